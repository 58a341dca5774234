import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFragment } from '../../assets/js/text/links.js';
import { visit } from './fake_server.mjs';

const OTHER = 'http://chatbox.local:8642';

/** A page whose server goes away. @param {{elsewhere?: Record<string, string>, shared?: boolean, ticket?: string}} [world] */
async function lost({ elsewhere = { [OTHER]: 'server-1' }, shared = false, ticket } = {}) {
  /** @type {string[]} */
  const gone = [];
  const made = await visit({ start: false, go: (address) => void gone.push(address()) });
  Object.assign(made.server, { addresses: ['http://test', 'http://10.0.0.9:8642', OTHER], elsewhere, shared }, ticket === undefined ? {} : { ticket });
  void made.actions.start();
  await made.clock.advance(100);
  const leave = async () => {
    made.server.up = false;
    made.server.cut();
    await made.clock.advance(19_000);
    assert.deepEqual([gone, made.store.connection.moved], [[], null]);
    await made.clock.advance(5_000);
  };
  return { ...made, gone, leave };
}

test('a page goes on at another address of the same server, with its sign-in and what it kept', async () => {
  const { store, gone, leave } = await lost();
  store.preferences.setDraft(1, 'half a “sentence” & more');
  await leave();
  const { move, kept } = parseFragment(new URL(gone[0] ?? '').hash);
  assert.equal(new URL(gone[0] ?? '').origin, OTHER);
  assert.equal(move, 'ticket-1-2-abc');
  assert.equal(JSON.parse(kept ?? '')['draft.1'], 'half a “sentence” & more');
  assert.equal(store.connection.moved, gone[0]);
});

test('nobody is followed who is not the same server', async () => {
  const { store, gone, leave } = await lost({ elsewhere: { [OTHER]: 'another' } });
  await leave();
  assert.deepEqual([gone, store.connection.moved], [[], null]);
});

test('nobody leaves an address at which the server answers again: it was only restarted', async () => {
  const { store, gone, leave } = await lost({ elsewhere: { [OTHER]: 'server-1', 'http://test': 'server-1' } });
  await leave();
  assert.deepEqual([gone, store.connection.moved], [[], null]);
});

test('it looks again every twenty seconds, at addresses that were told while it was there', async () => {
  const late = 'http://192.168.1.77:8642';
  const { server, clock, gone, leave } = await lost({ elsewhere: {} });
  server.send({ ev: 'addresses', addresses: [late] });
  await clock.advance(100);
  await leave();
  server.elsewhere = { [late]: 'server-1' };
  await clock.advance(25_000);
  assert.equal(new URL(gone[0] ?? '').origin, late);
});

test('who is back online goes nowhere', async () => {
  const { server, clock, gone } = await lost();
  server.up = false;
  server.cut();
  await clock.advance(10_000);
  server.up = true;
  await clock.advance(60_000);
  assert.deepEqual(gone, []);
});

test('without a ticket one goes on to sign in', async () => {
  const { gone, leave } = await lost({ ticket: '' });
  await leave();
  assert.equal(gone[0], `${OTHER}/`);
});

for (const [why, shared, size] of /** @type {[string, boolean, number][]} */ ([
  ['is kept by nothing but the page', true, 1],
  ['is too much to be carried', false, 260_000],
])) {
  test(`what waits to be sent and ${why} is not left behind`, async () => {
    const { actions, store, server, clock, gone } = await lost({ shared });
    server.up = false;
    server.cut();
    await clock.advance(100);
    actions.messages.post(1, 'x'.repeat(size));
    await clock.advance(25_000);
    assert.equal(store.outbox.size, 1);
    assert.deepEqual(gone, []);
    assert.ok(store.connection.moved?.startsWith(OTHER));
  });
}
