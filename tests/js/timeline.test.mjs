import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stretch } from '../../assets/js/actions/messages.js';
import { Ranges, Timeline } from '../../assets/js/model/timeline.js';
import { dice } from './fakes.mjs';
import { message } from './message_factory.mjs';

/** @param {Timeline} timeline */
const seqs = (timeline) => timeline.messages.map(({ seq }) => seq);

test('nothing is loaded until a stretch is known', () => {
  const timeline = new Timeline();
  timeline.position = 9;
  timeline.merge([message({ seq: 5 })]);
  assert.equal(timeline.loaded, false);
  assert.deepEqual(timeline.messages, []);
});

test('the window is the end, and grows into the past', () => {
  const timeline = new Timeline();
  timeline.position = 20;
  timeline.merge([message({ seq: 18 }), message({ seq: 19 })]);
  timeline.know(18, 20);
  assert.deepEqual([seqs(timeline), timeline.hasOlder, timeline.hasNewer], [[18, 19], true, false]);
  timeline.merge([message({ seq: 3 })]);
  timeline.know(1, 17);
  assert.deepEqual([seqs(timeline), timeline.start], [[3, 18, 19], true]);
});

test('a window in the past joins the end when the stretches touch', () => {
  const timeline = new Timeline();
  timeline.position = 100;
  timeline.merge([message({ seq: 99 }), message({ seq: 10 }), message({ seq: 50 })]);
  timeline.know(99, 100);
  timeline.know(5, 20);
  timeline.show(10);
  assert.deepEqual([seqs(timeline), timeline.hasNewer], [[10], true]);
  timeline.know(21, 98);
  assert.deepEqual([seqs(timeline), timeline.hasNewer], [[10, 50, 99], false]);
});

test('the greater rev wins, whichever comes first', () => {
  const timeline = new Timeline();
  timeline.know(1, 9);
  timeline.merge([message({ seq: 2, rev: 7, text: 'late' })]);
  timeline.merge([message({ seq: 2, rev: 3, text: 'early' })]);
  assert.equal(timeline.get(2)?.text, 'late');
});

test('a tombstone keeps its place', () => {
  const timeline = new Timeline();
  timeline.know(1, 9);
  timeline.merge([message({ seq: 2 }), message({ seq: 3, rev: 5, text: '', deleted: 1 })]);
  assert.deepEqual(seqs(timeline), [2, 3]);
});

test('the list of messages stays the same object until something changes', () => {
  const timeline = new Timeline();
  timeline.know(1, 9);
  timeline.merge([message({ seq: 2 })]);
  assert.equal(timeline.messages, timeline.messages);
});

test('trimming keeps the latest and says that there are older ones', () => {
  const timeline = new Timeline();
  timeline.position = 10;
  timeline.merge(Array.from({ length: 10 }, (_, i) => message({ seq: i + 1 })));
  timeline.know(1, 10);
  const { generation } = timeline;
  timeline.trim(3);
  assert.deepEqual([seqs(timeline), timeline.hasOlder], [[8, 9, 10], true]);
  assert.notEqual(timeline.generation, generation);
});

test('a page of history speaks for its bounds and for the end of the room', () => {
  const page = [message({ seq: 4 }), message({ seq: 7 })];
  assert.deepEqual(stretch(page, true, { before: 12 }, 20), [4, 11]);
  assert.deepEqual(stretch(page, false, { before: 12 }, 20), [1, 11]);
  assert.deepEqual(stretch([], false, { before: 12 }, 20), [1, 11]);
  assert.deepEqual(stretch(page, true, { after: 2 }, 20), [3, 7]);
  assert.deepEqual(stretch(page, false, { after: 2 }, 20), [3, 20]);
  assert.deepEqual(stretch(page, true, {}, 20), [4, 20]);
  assert.deepEqual(stretch([], false, {}, 20), [1, 20]);
});

test('ranges hold what a set of numbers would', () => {
  const seed = Date.now() % 1_000_000;
  const random = dice(seed);
  for (let round = 0; round < 50; round++) {
    const ranges = new Ranges();
    const numbers = new Set();
    for (let i = 0; i < 12; i++) {
      const from = Math.floor(random() * 60);
      const to = from + Math.floor(random() * 8) - 1;
      ranges.add(from, to);
      for (let n = from; n <= to; n++) numbers.add(n);
    }
    for (let n = 0; n < 70; n++) {
      const range = ranges.around(n);
      assert.equal(range !== null, numbers.has(n), `seed ${seed}`);
      if (range) assert.ok(!numbers.has(range.from - 1) && !numbers.has(range.to + 1), `seed ${seed}: ranges are as wide as can be`);
    }
  }
});
