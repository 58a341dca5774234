import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recount } from '../../assets/js/model/room.js';
import { visit } from './fake_server.mjs';
import { message } from './message_factory.mjs';

const ME = 1;
const start = { read: 3, unread: 2, mentions: 1 };

test('a post of somebody else is unread, and a mention counts', () => {
  const posts = [message({ seq: 6 }), message({ seq: 7, mentions: [ME] })];
  assert.deepEqual(recount(start, posts, [], ME), { read: 3, unread: 4, mentions: 2, sure: true });
});

test('an own post reads everything before it, in whatever order they come', () => {
  const posts = [message({ seq: 9 }), message({ seq: 6, mentions: [ME] }), message({ seq: 8, user: ME })];
  assert.deepEqual(recount(start, posts, [], ME), { read: 8, unread: 1, mentions: 0, sure: true });
});

test('a deletion does not subtract, but its mention is gone', () => {
  const before = message({ seq: 4, mentions: [ME] });
  const now = message({ seq: 4, rev: 9, text: '', deleted: 1 });
  assert.deepEqual(recount(start, [], [{ now, before }], ME), { read: 3, unread: 2, mentions: 0, sure: true });
});

test('an edit may add a mention, but not in what was read', () => {
  const unreadEdit = { now: message({ seq: 5, rev: 9, mentions: [ME] }), before: message({ seq: 5 }) };
  const readEdit = { now: message({ seq: 2, rev: 10, mentions: [ME] }), before: message({ seq: 2 }) };
  assert.deepEqual(recount(start, [], [unreadEdit, readEdit], ME), { read: 3, unread: 2, mentions: 2, sure: true });
});

test('an edit of a post that is not held makes the mentions unsure', () => {
  assert.equal(recount(start, [], [{ now: message({ seq: 4, rev: 9 }), before: null }], ME).sure, false);
  assert.equal(recount({ ...start, mentions: 0 }, [], [{ now: message({ seq: 4, rev: 9 }), before: null }], ME).sure, true);
});

test('reading is told once things are quiet, and agrees on every device', async () => {
  const one = await visit();
  const two = await visit({ clock: one.clock, server: one.server });
  for (let i = 0; i < 5; i++) one.server.post(1, 2, String(i));
  one.server.publish();
  await Promise.all([one.actions.rooms.open(1), one.clock.advance(100)]);
  one.actions.messages.markRead(1, 3);
  one.actions.messages.markRead(1, 4);
  await one.clock.advance(1000);
  assert.deepEqual(one.server.commands.filter((c) => c.do === 'room.read').map((c) => c.seq), [4]);
  for (const { store } of [one, two]) assert.equal(store.rooms.get(1)?.unread, 2);
});

test('a room marked unread stays so until it is left', async () => {
  const { clock, server, store, actions } = await visit();
  for (let i = 0; i < 5; i++) server.post(1, 2, String(i));
  server.publish();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  actions.messages.markRead(1, 6);
  await clock.advance(1000);
  assert.equal(store.rooms.get(1)?.unread, 0);
  await Promise.all([actions.messages.markUnreadFrom(1, 4), clock.advance(100)]);
  actions.messages.markRead(1, 6);
  await clock.advance(1000);
  assert.deepEqual([store.rooms.get(1)?.unread, store.open], [3, { room: 1, line: 3, held: true }]);
  actions.messages.catchUp(1);
  await clock.advance(1000);
  assert.deepEqual([store.rooms.get(1)?.unread, store.open?.line], [0, null]);
});

test('what was read offline is told later', async () => {
  const { clock, server, store, actions } = await visit();
  server.post(1, 2, 'x');
  server.publish();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  server.up = false;
  server.cut();
  actions.messages.markRead(1, 2);
  assert.equal(store.rooms.get(1)?.unread, 0);
  await clock.advance(1000);
  server.up = true;
  await clock.advance(60_000);
  assert.equal(server.counts(server.room(1), 1).unread, 0);
  assert.equal(store.rooms.get(1)?.unread, 0);
});

test('nothing is read while nobody looks', async () => {
  const { clock, server, actions } = await visit({ focused: false });
  server.post(1, 2, 'x');
  server.publish();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  actions.messages.markRead(1, 2);
  await clock.advance(1000);
  assert.equal(server.counts(server.room(1), 1).unread, 1);
});

test('a room opens at the New line when much is unread', async () => {
  const { clock, server, store, actions } = await visit({ start: false });
  for (let i = 0; i < 300; i++) server.post(1, 2, String(i));
  server.publish();
  server.room(1).read.set(1, 100);
  void actions.start();
  await clock.advance(100);
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  const timeline = store.rooms.get(1)?.timeline;
  assert.equal(store.open?.line, 100);
  assert.deepEqual([timeline?.oldest, timeline?.newest, timeline?.hasOlder, timeline?.hasNewer], [51, 150, true, true]);
  await Promise.all([actions.messages.loadNewer(1), actions.messages.loadNewer(1), clock.advance(100)]);
  assert.equal(timeline?.newest, 200);
  await Promise.all([actions.messages.toLatest(1), clock.advance(100)]);
  assert.deepEqual([timeline?.newest, timeline?.hasNewer], [301, false]);
});
