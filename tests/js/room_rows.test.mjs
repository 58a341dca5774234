import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clipMarks, excerpt, fitted, highlights, isLong, mayDelete, rowsOf, sameRow, Slice } from '../../assets/js/views/room/rows.js';

/** @typedef {import('../../assets/js/protocol/types.js').Message} Message */

const NOON = new Date(2026, 2, 3, 12).getTime();
const MINUTE = 60_000;
const people = new Map([1, 2, 3].map((id) => [id, { id, name: `name${id}` }]));

/**
 * @param {number} seq
 * @param {Partial<Message>} [more]
 * @returns {Message}
 */
function message(seq, more = {}) {
  return { room: 7, seq, rev: seq, user: 2, text: `text ${seq}`, at: NOON + seq * 1000, ...more };
}

/** @param {number} count */
function many(count) {
  return Array.from({ length: count }, (_, at) => message(at + 1));
}

/**
 * @param {Message[]} messages
 * @param {Partial<Parameters<typeof rowsOf>[2]>} [options]
 * @param {import('../../assets/js/model/outbox.js').Pending[]} [pending]
 */
function rows(messages, options = {}, pending = []) {
  /** @param {number} user */
  const author = (user) => people.get(user) ?? { id: user, name: '', gone: true };
  return rowsOf(messages, pending, { me: 1, online: true, older: false, line: null, author, quoted: () => undefined, ...options });
}

/** @param {ReturnType<typeof rows>} drawn */
function shape(drawn) {
  return drawn.map((row) => (row.kind === 'message' ? `${row.head ? 'head' : 'more'} ${row.message.seq}` : row.kind));
}

test('messages of one author within five minutes are one group', () => {
  const drawn = rows([message(1), message(2), message(3, { user: 3 }), message(4, { user: 3, at: NOON + 6 * MINUTE })]);
  assert.deepEqual(shape(drawn), ['day', 'head 1', 'more 2', 'head 3', 'head 4']);
});

test('a new day has a line and begins a group', () => {
  const drawn = rows([message(1, { at: new Date(2026, 2, 3, 23, 59).getTime() }), message(2, { at: new Date(2026, 2, 4, 0, 1).getTime() })]);
  assert.deepEqual(shape(drawn), ['day', 'head 1', 'day', 'head 2']);
});

test('the New line stands before the first message after the place where reading stopped', () => {
  assert.deepEqual(shape(rows(many(4), { line: 2 })), ['day', 'head 1', 'more 2', 'new', 'head 3', 'more 4']);
  assert.deepEqual(shape(rows(many(2), { line: 2 })), ['day', 'head 1', 'more 2']);
});

test('the New line is not drawn at the top of a page that it may stand above of', () => {
  const page = many(9).slice(5);
  assert.ok(!shape(rows(page, { line: 2, older: true })).includes('new'));
  assert.ok(shape(rows(page, { line: 2, older: false })).includes('new'));
});

test('a draft keeps its key when it becomes a message', () => {
  const draft = { nonce: 'abcdefgh', room: 7, text: 'hi', at: NOON, state: /** @type {const} */ ('sending') };
  const before = rows([], {}, [draft]).at(-1);
  const after = rows([message(1, { user: 1, nonce: 'abcdefgh', text: 'hi' })]).at(-1);
  assert.equal(before?.key, after?.key);
});

test('a draft whose message has arrived is not drawn twice', () => {
  const draft = { nonce: 'abcdefgh', room: 7, text: 'hi', at: NOON, state: /** @type {const} */ ('sent') };
  assert.equal(rows([message(1, { user: 1, nonce: 'abcdefgh' })], {}, [draft]).length, 2);
});

test('a waiting draft says so when there is no connection', () => {
  const draft = { nonce: 'abcdefgh', room: 7, text: 'hi', at: NOON, state: /** @type {const} */ ('waiting') };
  const states = [true, false].map((online) => rows([], { online }, [draft]).at(-1)).map((row) => row?.kind === 'message' && row.state);
  assert.deepEqual(states, ['waiting', 'offline']);
});

test('a row is drawn anew only where it would look different', () => {
  const first = message(1);
  const [, a] = rows([first]);
  const [, b] = rows([first]);
  const [, c] = rows([{ ...first, text: 'other', rev: 2 }]);
  assert.ok(a.kind === 'message' && b.kind === 'message' && c.kind === 'message');
  assert.ok(sameRow(a, b));
  assert.ok(!sameRow(a, c));
});

test('at most 300 messages are drawn, and those on screen stay', () => {
  const slice = new Slice();
  const messages = many(1000);
  slice.fit(messages, 500);
  const { drawn, older, newer } = slice.of(messages);
  assert.equal(drawn.length, 300);
  assert.ok(older && newer && drawn.some(({ seq }) => seq === 500));
});

test('a slice at the end grows with the room, and gives up what is furthest', () => {
  const slice = new Slice();
  slice.around(many(400), null);
  slice.fit(many(900), Infinity);
  const { drawn, newer } = slice.of(many(900));
  assert.deepEqual([drawn.at(-1)?.seq, newer, drawn.length], [900, false, 300]);
});

test('paging up and down never leaves a hole and reaches both ends', () => {
  const slice = new Slice();
  const messages = many(700);
  slice.around(messages, 350);
  for (let step = 0; step < 10; step++) {
    slice.up(messages);
    const { drawn } = slice.of(messages);
    assert.equal(drawn.at(-1)?.seq, drawn[0].seq + drawn.length - 1);
    assert.ok(drawn.length <= 300);
  }
  assert.equal(slice.of(messages).drawn[0].seq, 1);
  for (let step = 0; step < 10; step++) slice.down(messages);
  assert.equal(slice.of(messages).newer, false);
});

test('older messages that are loaded come into a slice that begins at the oldest', () => {
  const slice = new Slice();
  slice.around(many(100).slice(50), null);
  assert.equal(slice.of(many(100)).drawn.length, 100);
});

test('piles of combining marks are cut, and letters with a few are not', () => {
  assert.equal(clipMarks(`Z${'\u0301'.repeat(60)}a`), `Z${'\u0301'.repeat(5)}a`);
  assert.equal(clipMarks('ế กี่'), 'ế กี่');
});

test('long messages are folded', () => {
  assert.ok(isLong('a\n'.repeat(40)));
  assert.ok(isLong('a'.repeat(4000)));
  assert.ok(!isLong('a\n'.repeat(10)));
});

test('the words and phrases that were searched for are marked', () => {
  const hits = (/** @type {string} */ text, /** @type {string} */ query) =>
    highlights(text, query).filter(({ hit }) => hit).map((piece) => piece.text);
  assert.deepEqual(hits('The Build is green, rebuild it', 'build'), ['Build']);
  assert.deepEqual(hits('a stale  lock and a lock', '"stale lock"'), ['stale  lock']);
  assert.deepEqual(hits('1+1 (really)', '(re 1+1'), ['1+1', '(re']);
});

test('an excerpt of a long text holds the word that was found', () => {
  const text = `${'before '.repeat(200)}needle ${'after '.repeat(200)}`;
  const cut = excerpt(text, 'needle', 120);
  assert.ok(cut.includes('needle') && cut.length <= 122);
});

test('pictures fit into 360 by 320 and keep their shape', () => {
  assert.deepEqual(fitted({ width: 720, height: 400 }), { width: 360, height: 200 });
  assert.deepEqual(fitted({ width: 100, height: 50 }), { width: 100, height: 50 });
  assert.deepEqual(fitted({ width: 1000, height: 6400 }), { width: 50, height: 320 });
});

test('others’ messages are deleted by those who keep order, and nobody else’s in a direct room', () => {
  const room = { kind: 'public', role: 'member' };
  assert.ok(mayDelete(message(1, { user: 1 }), room, { id: 1, role: 'member' }));
  assert.ok(!mayDelete(message(1), room, { id: 1, role: 'member' }));
  assert.ok(mayDelete(message(1), { ...room, role: 'moderator' }, { id: 1, role: 'member' }));
  assert.ok(mayDelete(message(1), room, { id: 1, role: 'admin' }));
  assert.ok(!mayDelete(message(1), { ...room, kind: 'direct' }, { id: 1, role: 'admin' }));
});
