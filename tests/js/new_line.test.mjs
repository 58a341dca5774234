import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visit } from './fake_server.mjs';

test('the New line stands before what arrives in the open room while nobody looks', async () => {
  const { clock, server, store, actions } = await visit({ focused: false });
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  const room = store.openRoom;
  assert.ok(room && store.open);
  assert.equal(store.open.line, null);
  const read = room.read;
  server.post(1, 2, 'first');
  server.publish();
  await clock.advance(50);
  assert.equal(store.open.line, read);
  server.post(1, 2, 'second');
  server.publish();
  await clock.advance(50);
  assert.equal(store.open.line, read);
});

test('there is no New line before what arrives under my eyes', async () => {
  const { clock, server, store, actions } = await visit();
  await Promise.all([actions.rooms.open(1), clock.advance(100)]);
  server.post(1, 2, 'seen at once');
  server.publish();
  await clock.advance(50);
  assert.equal(store.open?.line, null);
});
