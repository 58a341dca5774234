import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StorageShelf } from '../../assets/js/lib/storage.js';
import { Lease } from '../../assets/js/model/device.js';
import { FakeClock, FakeStorage } from './fakes.mjs';
import { FakeServer, visit } from './fake_server.mjs';

test('a mention is told, an ordinary post is not', async () => {
  const { clock, server, store } = await visit({ focused: false });
  /** @type {string[]} */
  const told = [];
  store.on('notice', ({ kind, message }) => told.push(`${kind} ${message.text}`));
  server.post(1, 2, 'for all');
  server.post(1, 2, 'for me', { mentions: [1] });
  server.post(1, 1, 'mine', { mentions: [1] });
  server.publish();
  await clock.advance(50);
  assert.deepEqual(told, ['mention for me']);
});

test('nothing is told of the room that I am looking at', async () => {
  const { clock, server, store, actions } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  let told = 0;
  store.on('notice', () => told++);
  server.post(1, 2, 'for me', { mentions: [1] });
  server.publish();
  await clock.advance(50);
  assert.equal(told, 0);
});

test('of several tabs one tells', async () => {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  const storage = new FakeStorage();
  let told = 0;
  for (let i = 0; i < 3; i++) (await visit({ clock, server, storage, focused: false })).store.on('notice', () => told++);
  for (let i = 0; i < 4; i++) {
    server.post(1, 2, 'for me', { mentions: [1] });
    server.publish();
    await clock.advance(30_000);
  }
  assert.equal(told, 4);
});

test('a lease passes to another tab once its holder is gone', () => {
  const clock = new FakeClock();
  const storage = new FakeStorage();
  const [one, two] = [0, 1].map(() => new Lease(new StorageShelf(storage, 'x.'), clock));
  assert.equal(one.take(false), true);
  assert.equal(two.take(false), false);
  assert.equal(two.take(true), true, 'the tab that is looked at comes first');
  two.stop();
  assert.equal(one.take(false), true);
});
