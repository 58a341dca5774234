import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createClient } from '../../assets/js/actions.js';

/** A server that wants the password before it renames itself; it counts what it is asked. */
function sureServer() {
  const asked = /** @type {string[]} */ ([]);
  let confirmed = false;
  /** @type {any} */
  const fetch = async (/** @type {string} */ url) => {
    const command = String(url).split('/').at(-1) ?? '';
    asked.push(command);
    if (command === 'session.confirm') confirmed = true;
    const refused = command === 'server.update' && !confirmed;
    const body = refused ? { error: { code: 'forbidden', message: 'Once more.', field: 'confirm' } } : {};
    return new Response(JSON.stringify(body), { status: refused ? 403 : 200, headers: { 'content-type': 'application/json' } });
  };
  return { asked, fetch };
}

const client = (/** @type {any} */ fetch) => createClient({ base: 'http://chat.test', storage: null, fetch }).actions;

test('a change that wants the password is made once it was given, and asked for once', async () => {
  const { asked, fetch } = sureServer();
  const actions = client(fetch);
  let dialogs = 0;
  actions.confirm = async () => {
    dialogs += 1;
    await actions.account.confirm('plum-trout-lantern-9');
    return true;
  };
  await Promise.all([actions.server.update({ name: 'Loft' }), actions.server.update({ join: 'closed' })]);
  assert.equal(dialogs, 1);
  assert.deepEqual(asked, ['server.update', 'server.update', 'session.confirm', 'server.update', 'server.update']);
});

test('where it is not given, nothing is changed, and it is asked for the next time', async () => {
  const { asked, fetch } = sureServer();
  const actions = client(fetch);
  let dialogs = 0;
  actions.confirm = async () => {
    dialogs += 1;
    return false;
  };
  for (let n = 0; n < 2; n++) await assert.rejects(actions.server.update({ name: 'Loft' }), { code: 'aborted' });
  assert.equal(dialogs, 2);
  assert.deepEqual(asked, ['server.update', 'server.update']);
});
