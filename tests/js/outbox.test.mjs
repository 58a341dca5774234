import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, FakeStorage } from './fakes.mjs';
import { FakeServer, visit } from './fake_server.mjs';

/** @param {FakeServer} server */
const posts = (server) => server.commands.filter((c) => c.do === 'message.post');

/** @param {FakeServer} server */
const stored = (server) => [...server.room(1).messages.values()].map(({ text }) => text);

test('a post appears at once and becomes a message', async () => {
  const { clock, store, actions, texts } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  actions.messages.post(1, 'hi');
  assert.deepEqual(store.outbox.of(1).map(({ state }) => state), ['sending']);
  await clock.advance(50);
  assert.equal(store.outbox.size, 0);
  assert.deepEqual(texts(1), ['hi']);
});

test('what was written offline goes out in order once back', async () => {
  const { clock, server, store, actions } = await visit();
  server.up = false;
  server.cut();
  for (const text of ['a', 'b', 'c']) actions.messages.post(1, text);
  await clock.advance(1000);
  assert.deepEqual(store.outbox.of(1).map(({ state }) => state), ['waiting', 'waiting', 'waiting']);
  server.up = true;
  await clock.advance(40_000);
  assert.deepEqual(stored(server), ['a', 'b', 'c']);
  assert.equal(store.outbox.size, 0);
});

test('an answer that was lost leads to a second sending and one message', async () => {
  const { clock, server, store, actions } = await visit();
  let lost = false;
  server.override = (c) => {
    if (c.do !== 'message.post' || lost) return undefined;
    lost = true;
    server.answer(c, 1);
    server.cut();
    return 'silence';
  };
  actions.messages.post(1, 'once');
  await clock.advance(5_000);
  assert.deepEqual(stored(server), ['once']);
  assert.equal(store.outbox.size, 0);
  assert.equal(store.rooms.get(1)?.unread, 0);
});

test('an outbox survives a reload, and only for this server and person', async () => {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  const storage = new FakeStorage();
  const first = await visit({ clock, server, storage });
  server.up = false;
  server.cut();
  first.actions.messages.post(1, 'kept');
  first.actions.stop();
  server.up = true;
  const other = await visit({ clock, server, storage, user: 2 });
  assert.equal(other.store.outbox.size, 0);
  other.actions.stop();
  server.id = 'server-2';
  const elsewhere = await visit({ clock, server, storage });
  elsewhere.actions.stop();
  assert.deepEqual(stored(server), []);
  server.id = 'server-1';
  const again = await visit({ clock, server, storage });
  await clock.advance(100);
  assert.deepEqual(stored(server), ['kept']);
  assert.equal(again.store.outbox.size, 0);
});

test('a rate limit is waited for, and nothing overtakes', async () => {
  const { clock, server, actions } = await visit();
  let refusals = 2;
  server.override = (c) => (c.do === 'message.post' && refusals-- > 0 ? { code: 'rate_limited', message: '', retry_in: 1.5 } : undefined);
  for (const text of ['a', 'b', 'c']) actions.messages.post(1, text);
  await clock.advance(1_400);
  assert.equal(posts(server).length, 1);
  await clock.advance(5_000);
  assert.deepEqual(stored(server), ['a', 'b', 'c']);
});

test('a final refusal stays with its code until it is tried again or thrown away', async () => {
  const { clock, server, store, actions } = await visit();
  server.override = (c) => (c.do === 'message.post' && c.text === 'no' ? { code: 'too_large', message: 'Too long.' } : undefined);
  const bad = actions.messages.post(1, 'no');
  actions.messages.post(1, 'yes');
  await clock.advance(100);
  assert.deepEqual(stored(server), ['yes']);
  assert.deepEqual(store.outbox.of(1).map(({ state, error }) => [state, error?.code]), [['failed', 'too_large']]);
  server.override = () => undefined;
  actions.messages.retry(bad.nonce);
  await clock.advance(100);
  assert.deepEqual(stored(server), ['yes', 'no']);
  const worse = actions.messages.post(1, 'x');
  actions.messages.discard(worse.nonce);
  assert.equal(store.outbox.get(worse.nonce), undefined);
});

test('a draft that two tabs hold is stored once and gone from both', async () => {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  const storage = new FakeStorage();
  const one = await visit({ clock, server, storage });
  const two = await visit({ clock, server, storage });
  server.up = false;
  server.cut();
  one.actions.messages.post(1, 'mine');
  server.up = true;
  await clock.advance(40_000);
  assert.deepEqual(stored(server), ['mine']);
  assert.deepEqual([one.store.outbox.size, two.store.outbox.size], [0, 0]);
  assert.equal(Array.from({ length: storage.length }, (_, i) => storage.key(i)).filter((key) => key?.includes('.out.')).length, 0);
});

test('a tab that sends for one that was closed', async () => {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  const storage = new FakeStorage();
  const one = await visit({ clock, server, storage });
  await visit({ clock, server, storage });
  server.up = false;
  server.cut();
  one.actions.messages.post(1, 'left behind');
  one.actions.stop();
  server.up = true;
  await clock.advance(40_000);
  assert.deepEqual(stored(server), ['left behind']);
});

test('a shared computer keeps nothing', async () => {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  server.shared = true;
  const { store, actions, storage } = await visit({ clock, server });
  server.up = false;
  server.cut();
  actions.messages.post(1, 'secret');
  store.preferences.setDraft(1, 'secret too');
  store.preferences.theme = 'dark';
  assert.equal(storage.length, 0);
  assert.equal(store.preferences.theme, 'dark');
});

test('a draft whose message was missed is not kept for ever', async () => {
  const { clock, server, store, actions } = await visit();
  server.loses = (event) => event.ev === 'messages';
  actions.messages.post(1, 'stored');
  await clock.advance(50);
  assert.deepEqual(store.outbox.of(1).map(({ state }) => state), ['sent']);
  server.cut();
  await clock.advance(5_000);
  assert.equal(store.outbox.size, 0);
});

test('a draft that no frame can hold is refused here, and the connection lives on', async () => {
  const { clock, store, actions } = await visit();
  actions.messages.post(1, 'ä'.repeat(40_000));
  await clock.advance(50);
  assert.deepEqual(store.outbox.of(1).map(({ error }) => error?.code), ['too_large']);
  assert.equal(store.connection.state, 'online');
});

test('signing out asks first, and then throws away what was not sent', async () => {
  const { clock, server, storage, store, actions } = await visit();
  server.override = (c) => (c.do === 'message.post' ? { code: 'busy', message: '', retry_in: 100 } : undefined);
  actions.messages.post(1, 'unsent');
  await clock.advance(100);
  assert.equal(await actions.account.signOut((waiting) => waiting !== 1), false);
  assert.equal(store.phase, 'ready');
  assert.equal(await actions.account.signOut(() => true), true);
  await clock.advance(100);
  assert.equal(store.phase, 'signin');
  assert.deepEqual(Array.from({ length: storage.length }, (_, i) => storage.key(i)?.includes('.out.')).filter(Boolean), []);
});
