import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../../assets/js/model/store.js';
import { FakeClock, FakeStorage } from './fakes.mjs';
import { FakeServer, visit } from './fake_server.mjs';

/** @typedef {import('../../assets/js/protocol/types.js').RoomInfo} RoomInfo */

/** @param {RoomInfo[]} rooms */
function storeWith(...rooms) {
  const store = new Store({ clock: new FakeClock() });
  store.hello(/** @type {any} */ ({
    me: { id: 1, name: 'me', role: 'member' }, server: { id: 's' }, session: { id: 1 }, epoch: 'e', mine: 1, people_rev: 1,
    people: [{ id: 1, name: 'me' }, { id: 2, name: 'ben', full_name: 'Ben' }, { id: 3, name: 'cleo' }], online: [1], away: [2], rooms, changes: {},
  }));
  return store;
}

/** @param {number} id @param {Partial<RoomInfo>} [more] @returns {RoomInfo} */
const publicRoom = (id, more) => ({ id, kind: 'public', name: `room ${id}`, head: 1, ...more });
/** @param {number} id @param {Partial<RoomInfo>} [more] @returns {RoomInfo} */
const direct = (id, more) => ({ id, kind: 'direct', name: '', head: 1, users: [1, 2], at: id, ...more });

test('the sidebar has #general first, the others by name, direct rooms by time', () => {
  const store = storeWith(
    publicRoom(1, { name: 'zoo', general: true }), publicRoom(2, { name: 'Élan' }), publicRoom(3, { name: 'dev' }),
    publicRoom(4, { name: 'old', archived: 9 }), direct(10), direct(11), direct(12, { hidden: true }),
  );
  const { rooms, direct: listed, more } = store.rooms.sidebar();
  assert.deepEqual(rooms.map(({ name }) => name), ['zoo', 'dev', 'Élan']);
  assert.deepEqual([listed.map(({ id }) => id), more.map(({ id }) => id)], [[11, 10], [12]]);
  store.show(4, null);
  assert.ok(store.rooms.sidebar().rooms.some(({ id }) => id === 4), 'an archived room is there while it is open');
});

test('beyond fifteen direct rooms only the unread ones are listed', () => {
  const store = storeWith(...Array.from({ length: 20 }, (_, i) => direct(10 + i, i === 2 ? { unread: 1 } : {})));
  const { direct: listed, more } = store.rooms.sidebar();
  assert.equal(listed.length, 16);
  assert.equal(listed.at(-1)?.id, 12);
  assert.equal(more.length, 4);
});

test('a direct room is named after the others in it', () => {
  const store = storeWith(direct(10), direct(11, { users: [1, 2, 3] }), direct(12, { users: [1] }));
  assert.deepEqual(store.rooms.all().map((room) => store.rooms.title(room)), ['Ben', 'Ben, cleo', 'me']);
  assert.equal(store.rooms.directWith([2, 3])?.id, 11);
});

test('the next unread room is found around the end', () => {
  const store = storeWith(publicRoom(1, { name: 'a', unread: 1 }), publicRoom(2, { name: 'b' }), publicRoom(3, { name: 'c', unread: 2, mentions: 1 }));
  assert.equal(store.rooms.next(3, 1, true)?.id, 1);
  assert.equal(store.rooms.next(1, -1, false)?.id, 3);
  assert.equal(store.rooms.next(null, 1, false)?.id, 1);
  assert.equal(store.rooms.next(3, 1, false)?.id, 1);
  assert.deepEqual(store.rooms.totals(), { unread: 3, mentions: 1, badge: 1 });
});

test('what changed is told once for a whole event, with the ids', () => {
  const store = storeWith(publicRoom(1));
  /** @type {string[]} */
  const told = [];
  for (const topic of ['rooms', 'timeline', 'people', 'presence']) store.on(topic, (ids) => told.push(`${topic} ${[...ids]}`));
  store.apply({ ev: 'presence', online: [2, 3], away: [], offline: [1] });
  store.apply({ ev: 'messages', room: 1, after: 1, head: 3, messages: [2, 3].map((seq) => ({ room: 1, seq, rev: seq, user: 2, text: 'x', at: seq })), members: [] });
  assert.deepEqual(told, ['presence 2,3,1', 'timeline 1', 'rooms 1']);
  assert.deepEqual([1, 2].map((id) => store.people.state(id)), ['offline', 'online']);
});

test('a listener that throws keeps nothing from the others', (context) => {
  const store = storeWith();
  /** @type {(() => void)[]} */
  const reports = [];
  context.mock.method(globalThis, 'queueMicrotask', (/** @type {() => void} */ report) => reports.push(report));
  let told = false;
  store.on('phase', () => {
    throw new Error('broken view');
  });
  store.on('phase', () => (told = true));
  store.setPhase('ready');
  assert.equal(told, true);
  assert.throws(() => reports.forEach((report) => report()), /broken view/);
});

test('settings merge into a room, and what they lack is gone', () => {
  const store = storeWith(publicRoom(1, { topic: 'old', unread: 4, read: 1, role: 'owner' }));
  store.apply({ ev: 'room', room: publicRoom(1, { name: 'new', count: 5 }) });
  const { name, topic, count, role, unread } = store.rooms.get(1) ?? {};
  assert.deepEqual({ name, topic, count, role, unread }, { name: 'new', topic: '', count: 5, role: 'owner', unread: 4 });
});

test('a room of others is not taken for mine', () => {
  const store = storeWith();
  store.apply({ ev: 'room', room: publicRoom(1, { member: false }) });
  store.apply({ ev: 'messages', room: 1, after: 1, head: 2, messages: [], members: [] });
  assert.deepEqual(store.rooms.all(), []);
});

test('what is missed of my own leads to a new snapshot, and what comes in turn does not', () => {
  const store = storeWith(publicRoom(1));
  const me = { id: 1, name: 'me', role: /** @type {const} */ ('admin') };
  assert.equal(store.apply({ ev: 'me', me, mine: 2 }), 'done');
  assert.equal(store.apply({ ev: 'me', me, mine: 4 }), 'hello');
  assert.equal(store.apply({ ev: 'me', me, mine: 5, after: 5 }), 'hello', 'the server tells nothing of 5 itself');
  assert.equal(store.apply({ ev: 'me', me, mine: 7, after: 5 }), 'done');
  assert.equal(store.apply({ ev: 'me', me, mine: 7, after: 7 }), 'done', 'what is known already');
});

test('a list of members lives on by the room’s own changes', async () => {
  const { clock, server, store, actions } = await visit();
  server.override = (c) => (c.do === 'room.members' ? { members: [{ user: 1, role: 'owner' }, { user: 2, role: 'member' }] } : undefined);
  const asked = actions.rooms.members(1);
  server.room(1).head = server.room(1).published = 2;
  server.send({ ev: 'messages', room: 1, after: 1, head: 2, messages: [], members: [{ user: 3, role: 'member', rev: 2 }] });
  await clock.advance(100);
  assert.deepEqual((await asked).map(({ user }) => user), [1, 2, 3]);
  server.room(1).head = server.room(1).published = 3;
  server.send({ ev: 'messages', room: 1, after: 2, head: 3, messages: [], members: [{ user: 2, left: true, rev: 3 }] });
  await clock.advance(50);
  assert.deepEqual(actions.rooms.memberList(1)?.map(({ user }) => user), [1, 3]);
  assert.equal(store.rooms.get(1)?.position, 3);
});

test('of a room that is not open the latest messages are kept', async () => {
  const { clock, server, store, actions } = await visit({ keep: 20 });
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  actions.rooms.close();
  for (let i = 0; i < 100; i++) {
    server.post(1, 2, String(i));
    server.publish();
  }
  await clock.advance(100);
  const timeline = store.rooms.get(1)?.timeline;
  assert.ok((timeline?.size ?? 0) <= 25);
  assert.deepEqual([timeline?.newest, timeline?.hasOlder], [101, true]);
  assert.equal(store.rooms.get(1)?.unread, 100);
});

test('a page that was asked for before a trim is thrown away', async () => {
  const { clock, server, store, actions } = await visit({ keep: 5 });
  for (let i = 0; i < 120; i++) server.post(1, 2, String(i));
  server.publish();
  await Promise.all([actions.messages.toLatest(1), clock.advance(100)]);
  const older = actions.messages.loadOlder(1);
  store.rooms.get(1)?.timeline.trim(5);
  await Promise.all([older, clock.advance(100)]);
  assert.equal(store.rooms.get(1)?.timeline.messages.length, 5);
});

test('preferences belong to one person on one server, the theme to the device', async () => {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  const storage = new FakeStorage();
  const one = await visit({ clock, server, storage });
  one.store.preferences.theme = 'dark';
  one.store.preferences.sound = false;
  one.store.preferences.setDraft(1, 'half a thought');
  one.actions.stop();
  const two = await visit({ clock, server, storage, user: 2 });
  assert.deepEqual([two.store.preferences.theme, two.store.preferences.sound, two.store.preferences.draft(1)], ['dark', true, '']);
  const again = await visit({ clock, server, storage, start: false });
  assert.equal(again.store.preferences.theme, 'dark');
  void again.actions.start();
  await clock.advance(100);
  assert.deepEqual([again.store.preferences.sound, again.store.preferences.draft(1)], [false, 'half a thought']);
});
