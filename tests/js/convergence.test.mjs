import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, FakeStorage, dice } from './fakes.mjs';
import { FakeServer, visit } from './fake_server.mjs';

/**
 * Random posts, edits, deletions, reading, lost events, folded events and cuts; after things have calmed down, every client
 * holds what the server holds, counts as the server counts, and has sent every draft once.
 *
 * @param {number} seed
 */
async function run(seed) {
  const random = dice(seed);
  const pick = (/** @type {number} */ n) => Math.floor(random() * n);
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  server.addRoom(2);
  server.perRoom = 4 + pick(10);
  server.pageSize = 2 + pick(5);
  const visits = [];
  for (const user of [1, 1, 2]) visits.push(await visit({ clock, server, user, random, keep: Infinity, storage: new FakeStorage() }));
  for (const { actions } of visits) await Promise.all([actions.rooms.open(1 + pick(2)), clock.advance(100)]);
  server.loses = () => random() < 0.2;
  const written = [];
  for (let step = 0; step < 60; step++) {
    const room = 1 + pick(2);
    const { store, actions } = visits[pick(visits.length)];
    const seqs = [...server.room(room).messages.keys()];
    const seq = seqs[pick(seqs.length)];
    switch (pick(9)) {
      case 0:
      case 1: server.post(room, 3, `${step}`, random() < 0.4 ? { mentions: [1 + pick(2)] } : {}); break;
      case 2: if (seq) server.change(room, seq, `edited ${step}`, random() < 0.4 ? [1 + pick(2)] : undefined); break;
      case 3: if (seq) server.change(room, seq, null); break;
      case 4: written.push(actions.messages.post(room, `own ${step}`).nonce); break;
      case 5: actions.messages.markRead(room, store.rooms.get(room)?.timeline.newest ?? 0); break;
      case 6: server.publish(); break;
      case 7: if (random() < 0.3) server.cut(); break;
      case 8: if (seq) actions.messages.markUnreadFrom(room, seq).catch(() => {}); break;
    }
    await clock.advance(pick(400));
  }
  server.loses = () => false;
  server.publish();
  await clock.advance(90_000);
  for (const { store, actions } of visits) await compare(server, store, actions, clock, `seed ${seed}`);
  const nonces = [...server.rooms.values()].flatMap((room) => [...room.messages.values()]).map(({ nonce }) => nonce);
  for (const nonce of written) assert.equal(nonces.filter((one) => one === nonce).length, 1, `seed ${seed}: ${nonce} is stored once`);
}

/**
 * @param {FakeServer} server
 * @param {import('../../assets/js/model/store.js').Store} store
 * @param {import('../../assets/js/actions.js').Actions} actions
 * @param {FakeClock} clock
 * @param {string} what
 */
async function compare(server, store, actions, clock, what) {
  assert.equal(store.outbox.size, 0, `${what}: drafts are left`);
  for (const room of store.rooms.all()) {
    const truth = server.room(room.id);
    assert.equal(room.position, truth.head, `${what}: position in ${room.id}`);
    const { read: _, ...counts } = server.counts(truth, store.me?.id ?? 0);
    assert.deepEqual({ unread: room.unread, mentions: room.mentions }, counts, `${what}: counts of ${store.me?.id} in ${room.id}`);
    await Promise.all([actions.messages.toLatest(room.id), clock.advance(100)]);
    while (room.timeline.hasOlder) await Promise.all([actions.messages.loadOlder(room.id), clock.advance(100)]);
    const all = [...truth.messages.values()].sort((a, b) => a.seq - b.seq);
    assert.deepEqual(room.timeline.messages, JSON.parse(JSON.stringify(all)), `${what}: messages of ${room.id}`);
  }
}

const first = Number(process.env.SEED ?? Date.now() % 1_000_000);
const rounds = Number(process.env.ROUNDS ?? 12);

for (let seed = first; seed < first + rounds; seed++) {
  test(`whatever gets lost, everything agrees in the end (SEED=${seed})`, () => run(seed));
}
