/**
 * Many web clients, without their views, in one process: a part of the crowds of the fault tests.
 *
 *     node tests/js/node_crowd.mjs URL
 *
 * Reads a JSON object a line, answers with one a line that repeats `id`:
 *
 *     {"cmd": "come", "cookies": ["NAME=VALUE", …]}        {"ok": true} once all of them are online and have loaded the room
 *     {"cmd": "reach", "room": 1, "head": 42}              {"ok": true} once all of them are online and that far
 *     {"cmd": "dump", "room": 1, "after": 0}               {"digests": [of what each knows of messages after that], "closes": {"1012": 7, …}}
 *     {"cmd": "hurry"}                                     {"ok": true}: whoever waits tries at once
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { createClient } from '../../assets/js/actions.js';
import { NodeSocket } from './ws.mjs';

const AT_ONCE = 20;
const base = process.argv[2].replace(/\/+$/, '');
/** @type {ReturnType<typeof createClient>[]} */
const clients = [];
/** How connections ended, by code. @type {Record<string, number>} */
const closes = {};

class CountedSocket extends NodeSocket {
  /** @override @param {number} code */
  ended(code) {
    closes[code] = (closes[code] ?? 0) + 1;
  }
}

/** @param {() => boolean} true_ */
async function until(true_) {
  while (!true_()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** @param {string} cookie */
async function come(cookie) {
  const headers = { Cookie: cookie, Origin: base };
  const client = createClient({ base, storage: null, keep: Infinity, headers, socketFactory: (url) => new CountedSocket(url, headers) });
  clients.push(client);
  await client.actions.start();
  await until(() => client.actions.online);
  for (const { id } of client.store.rooms.all()) await client.actions.messages.toLatest(id);
}

/**
 * @param {ReturnType<typeof createClient>} client
 * @param {number} room
 * @param {number} after
 */
function digest({ store }, room, after) {
  const hash = createHash('sha256');
  for (const { seq, rev, user, nonce, text, deleted } of store.rooms.get(room)?.timeline.messages ?? []) {
    if (seq > after) hash.update(`${seq} ${rev} ${user} ${nonce} ${Boolean(deleted)} ${text}\n`);
  }
  return hash.digest('hex');
}

/** @type {Record<string, (line: any) => any>} */
const commands = {
  async come({ cookies }) {
    for (let i = 0; i < cookies.length; i += AT_ONCE) await Promise.all(cookies.slice(i, i + AT_ONCE).map(come));
    return { ok: true };
  },
  async reach({ room, head }) {
    await until(() => clients.every(({ store, actions }) => actions.online && (store.position(room) ?? -1) >= head));
    return { ok: true };
  },
  dump: ({ room, after }) => ({ digests: clients.map((client) => digest(client, room, after)), closes }),
  hurry() {
    for (const { actions } of clients) actions.retryNow();
    return { ok: true };
  },
};

createInterface({ input: process.stdin })
  .on('line', async (text) => {
    const { id, cmd, ...line } = JSON.parse(text);
    process.stdout.write(`${JSON.stringify({ id, ...(await commands[cmd](line)) })}\n`);
  })
  .on('close', () => process.exit(0));
