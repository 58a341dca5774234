import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../../assets/js/model/store.js';
import { readEvent } from '../../assets/js/protocol/frames.js';
import { visit } from './fake_server.mjs';

test('a visit begins with a snapshot and follows every event', async () => {
  const { clock, server, store, actions, texts } = await visit();
  assert.equal(store.phase, 'ready');
  assert.equal(store.connection.state, 'online');
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  server.post(1, 2, 'hello');
  server.publish();
  await clock.advance(50);
  assert.deepEqual(texts(1), ['hello']);
});

test('an admin hears what should be known of the machine, and what is over', () => {
  const notices = (/** @type {any} */ list) => readEvent({ ev: 'notices', notices: list });
  const store = new Store({});
  const heard = /** @type {string[][]} */ ([]);
  store.on('notices', () => heard.push(store.notices.map(({ kind }) => kind)));
  for (const list of [[{ kind: 'disk_low', percent: 4 }, { kind: 7 }, null], [], 'nonsense']) {
    const event = notices(list);
    assert.ok(event);
    store.apply(event);
  }
  assert.deepEqual(heard, [['disk_low'], [], []]);
});

test('a lost event is found by the next one and repaired', async () => {
  const { clock, server, actions, texts } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  server.loses = () => true;
  server.post(1, 2, 'lost');
  server.publish();
  server.loses = () => false;
  server.post(1, 2, 'next');
  server.publish();
  await clock.advance(100);
  assert.deepEqual(texts(1), ['lost', 'next']);
  assert.deepEqual(server.commands.filter((c) => c.do === 'room.changes').map((c) => c.after), [1]);
});

test('a repair of many pages moves the position only at its end', async () => {
  const { clock, server, store, actions, texts } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  server.pageSize = 2;
  server.loses = () => true;
  for (let i = 0; i < 5; i++) server.post(1, 2, `lost ${i}`);
  server.publish();
  server.loses = () => false;
  server.post(1, 2, 'next');
  server.publish();
  await clock.advance(22);
  assert.equal(store.rooms.get(1)?.position, 1);
  server.post(1, 2, 'meanwhile');
  server.publish();
  await clock.advance(200);
  assert.deepEqual(texts(1), ['lost 0', 'lost 1', 'lost 2', 'lost 3', 'lost 4', 'next', 'meanwhile']);
  assert.equal(store.rooms.get(1)?.unread, 7);
});

test('a lost last event is found by the ping', async () => {
  const { clock, server, actions, texts } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  server.loses = () => true;
  server.post(1, 2, 'lost');
  server.publish();
  server.loses = () => false;
  await clock.advance(20_500);
  assert.deepEqual(texts(1), ['lost']);
});

test('an event at or below the position is ignored, and the greater rev wins', async () => {
  const { clock, server, store, actions, texts } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  const seq = server.post(1, 2, 'first');
  const old = { ev: 'messages', room: 1, after: 1, head: seq, messages: [{ ...server.room(1).messages.get(seq) }] };
  server.publish();
  server.change(1, seq, 'changed');
  server.publish();
  await clock.advance(50);
  server.send(old);
  await clock.advance(50);
  assert.deepEqual(texts(1), ['changed']);
  assert.equal(store.rooms.get(1)?.unread, 1);
});

test('after a cut it resumes from its positions', async () => {
  const { clock, server, store, actions, texts } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  const seq = server.post(1, 2, 'before');
  server.publish();
  await clock.advance(50);
  server.cut();
  server.post(1, 2, 'away');
  server.change(1, seq, 'edited');
  server.publish();
  await clock.advance(1000);
  const hello = server.commands.filter((c) => c.do === 'hello')[1];
  assert.deepEqual(hello, { id: hello.id, do: 'hello', epoch: 'epoch-1', heads: { 1: 2 }, mine: 1, people: 1 });
  assert.deepEqual(texts(1), ['edited', 'away']);
  assert.equal(store.rooms.get(1)?.unread, 2);
});

test('a room that is far behind is caught up by room.changes', async () => {
  const { clock, server, store, actions, texts } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  server.perRoom = 3;
  server.pageSize = 4;
  server.cut();
  for (let i = 0; i < 9; i++) server.post(1, 2, String(i));
  server.publish();
  await clock.advance(1000);
  assert.deepEqual(texts(1), ['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  assert.equal(store.rooms.get(1)?.unread, 9);
});

test('another epoch makes it forget the rooms and load again', async () => {
  const { clock, server, store, actions, texts } = await visit();
  server.post(1, 2, 'one');
  server.post(1, 2, 'two');
  server.publish();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  server.cut();
  server.epoch = 'epoch-2';
  const room = server.room(1);
  room.messages.delete(3);
  room.head = room.published = 2;
  await clock.advance(1000);
  assert.deepEqual(texts(1), ['one']);
  assert.equal(store.rooms.get(1)?.position, 2);
});

test('a room that is no longer mine is erased', async () => {
  const { clock, server, store, actions } = await visit();
  server.addRoom(2);
  server.send({ ev: 'room', room: { id: 2, kind: 'private', name: 'two', head: 1, member: true, role: 'member' }, mine: 2 });
  await clock.advance(50);
  await Promise.all([actions.rooms.open(2), clock.advance(100)]);
  server.rooms.delete(2);
  server.cut();
  await clock.advance(1000);
  assert.equal(store.rooms.get(2), undefined);
  assert.equal(store.open, null);
});

test('a close with 4001 means signed out, and it does not come back', async () => {
  const { clock, server, store } = await visit();
  server.signedIn = false;
  server.cut(4001);
  await clock.advance(60_000);
  assert.equal(store.phase, 'signin');
  assert.equal(store.me, null);
  assert.equal(server.commands.filter((c) => c.do === 'hello').length, 1);
});

test('a refused handshake asks over HTTP whether anybody is signed in', async () => {
  const { clock, server, store } = await visit();
  server.signedIn = false;
  server.cut();
  await clock.advance(5_000);
  assert.equal(store.phase, 'signin');
});

test('a server that is away is not taken for a sign-out', async () => {
  const { clock, server, store } = await visit();
  server.up = false;
  server.cut();
  await clock.advance(60_000);
  assert.equal(store.phase, 'ready');
  assert.notEqual(store.connection.since, null);
  server.up = true;
  await clock.advance(31_000);
  assert.equal(store.connection.state, 'online');
});

test('a silent connection is dropped within 35 seconds', async () => {
  const { clock, server, store } = await visit();
  server.freeze();
  server.up = false;
  await clock.advance(35_000);
  assert.notEqual(store.connection.state, 'online');
});

test('coming back to the page checks a silent connection at once', async () => {
  const { clock, server, store, targets } = await visit();
  server.freeze();
  targets.window.dispatchEvent(new Event('focus'));
  await clock.advance(4_500);
  assert.equal(store.connection.state, 'online');
  assert.equal(server.commands.filter((c) => c.do === 'hello').length, 2);
});

test('coming back to the page ends a wait', async () => {
  const { clock, server, store, targets } = await visit({ random: () => 0.999 });
  server.up = false;
  server.cut();
  await clock.advance(20_000);
  server.up = true;
  targets.window.dispatchEvent(new Event('online'));
  await clock.advance(50);
  assert.equal(store.connection.state, 'online');
});

test('a hello that is refused for the moment is said again', async () => {
  const { clock, server, store } = await visit({ start: false });
  void 0;
  let tries = 0;
  server.override = (c) => (c.do === 'hello' && tries++ < 2 ? { code: 'busy', message: '', retry_in: 1 } : undefined);
  const again = await visit({ clock, server });
  await clock.advance(10_000);
  assert.equal(again.store.phase, 'ready');
  assert.equal(store.phase, 'starting');
});

test('positions of people that were missed lead to a new snapshot', async () => {
  const { clock, server, store } = await visit();
  server.peopleRev = 5;
  server.send({ ev: 'people', after: 4, people_rev: 5, people: [{ id: 3, name: 'cleo' }] });
  await clock.advance(5_000);
  assert.equal(store.peopleRev, 5);
  assert.equal(server.commands.filter((c) => c.do === 'hello').length, 2);
});

test('unknown events, fields and broken frames are ignored', async () => {
  const { clock, server, store } = await visit();
  server.send({ ev: 'tomorrow', room: 1 });
  server.send({ ev: 'messages', room: 'x' });
  server.send({ ev: 'toString' });
  server.send([1, 2]);
  server.send({ ev: 'typing', room: 1, user: 2, colour: 'red' });
  await clock.advance(50);
  assert.deepEqual(store.typing.of(1), [2]);
  await clock.advance(6_100);
  assert.deepEqual(store.typing.of(1), []);
});

test('a newer version of the page is noticed', async () => {
  const { clock, server, store } = await visit();
  server.assets = 'v2';
  server.cut(1012);
  await clock.advance(5_000);
  assert.equal(store.stale, true);
});
