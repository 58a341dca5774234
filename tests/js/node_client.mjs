/**
 * The real client of the web page, without its views, as a process: the fault tests start it as one of their clients.
 *
 *     node tests/js/node_client.mjs URL (--cookie 'NAME=VALUE' | --token TOKEN)
 *
 * Reads a JSON object a line, answers with one a line that repeats `id` if there is one:
 *
 *     {"cmd": "post", "room": 1, "text": "x"}              {"ev": "posted", "nonce"}, and {"ev": "acked", "nonce", "room", "text"} once stored
 *     {"cmd": "edit", "room": 1, "seq": 4, "text": "y"}    {"ok": true} or {"error": {"code", "message"}}
 *     {"cmd": "delete", "room": 1, "seq": 4}              both also by "nonce" in place of "seq"
 *     {"cmd": "call", "do": "room.join", "fields": {"room": 2}}    {"ok": {…reply…}}
 *     {"cmd": "read", "room": 1, "seq": 4}
 *     {"cmd": "cut"}                                       drops the connection without a word
 *     {"cmd": "offline"} / {"cmd": "online"}               stays away / comes back
 *     {"cmd": "look"}                                      as if somebody had returned to the page
 *     {"cmd": "sync"}       waits until online, nothing is left to send and every room is at the server's head, then loads all history,
 *                           or with "latest": true the latest messages of each room
 *     {"cmd": "dump"}       {"rooms": {"1": {"position", "read", "unread", "mentions", "messages": [{"seq", "rev", "user", "text", …}]}}, "pending": [nonces]}
 *     {"cmd": "quit"}
 *
 * Unasked: {"ev": "phase", "phase"}, {"ev": "connection", "state"}, {"ev": "failed", "nonce", "error"}.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createClient } from '../../assets/js/actions.js';
import { CommandError } from '../../assets/js/protocol/errors.js';
import { NodeSocket } from './ws.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { cookie: { type: 'string' }, token: { type: 'string' } } });
const base = positionals[0].replace(/\/+$/, '');
/** @type {Record<string, string>} */
const auth = values.token ? { Authorization: `Bearer ${values.token}` } : { Cookie: values.cookie ?? '', Origin: base };

/** @type {NodeSocket | null} */
let socket = null;
const window = new EventTarget();
const { store, actions } = createClient({
  base,
  storage: null,
  keep: Infinity,
  headers: auth,
  targets: { window },
  socketFactory: (url) => (socket = new NodeSocket(url, auth)),
});

/** @param {object} line */
const say = (line) => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** What was posted and not stored yet, as last told. @type {Map<string, import('../../assets/js/model/outbox.js').Pending>} */
const posted = new Map();

store.on('phase', () => say({ ev: 'phase', phase: store.phase }));
store.on('connection', () => say({ ev: 'connection', state: store.connection.state }));
store.on('outbox', () => {
  for (const [nonce, { room, text }] of posted) {
    const draft = store.outbox.get(nonce);
    if (draft?.state === 'failed') say({ ev: 'failed', nonce, error: draft.error });
    if (!draft || draft.state === 'sent') say({ ev: 'acked', nonce, room, text });
    if (!draft || draft.state === 'sent' || draft.state === 'failed') posted.delete(nonce);
  }
});

/** @param {() => boolean} true_ */
async function until(true_) {
  while (!true_()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** @param {boolean} latest */
async function sync(latest) {
  for (;;) {
    await until(() => actions.online && store.outbox.all().every(({ state }) => state === 'failed'));
    try {
      if (await atHeads()) return void (await load(latest));
    } catch (error) {
      if (!['offline', 'timeout'].includes(/** @type {any} */ (error).code)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether nothing is missing by what the server itself says. */
async function atHeads() {
  const { rooms } = await actions.read('room.list');
  const mine = rooms.filter((/** @type {any} */ room) => room.member);
  const known = mine.length === store.rooms.all().length;
  return known && mine.every((/** @type {any} */ { id, head }) => (store.position(id) ?? -1) >= head);
}

/** @param {boolean} latest */
async function load(latest) {
  for (const { id, timeline } of store.rooms.all()) {
    if (!timeline.loaded) await actions.messages.toLatest(id);
    while (timeline.hasOlder && !latest) await actions.messages.loadOlder(id);
  }
}

/** @param {{room: number, seq?: number, nonce?: string}} line */
function place({ room, seq, nonce }) {
  const found = seq ?? store.rooms.get(room)?.timeline.messages.find((message) => message.nonce === nonce)?.seq;
  if (found === undefined) throw new CommandError('not_found');
  return found;
}

function dump() {
  const rooms = store.rooms.all().map((room) => {
    const { position, read, unread, mentions, timeline } = room;
    return [room.id, { position, read, unread, mentions, messages: timeline.messages }];
  });
  return { rooms: Object.fromEntries(rooms), pending: store.outbox.all().map(({ nonce }) => nonce) };
}

/** @type {Record<string, (line: any) => any>} */
const commands = {
  post({ room, text }) {
    const draft = actions.messages.post(room, text);
    posted.set(draft.nonce, draft);
    return { ev: 'posted', nonce: draft.nonce };
  },
  edit: ({ text, ...line }) => actions.messages.edit(line.room, place(line), text).then(() => ({ ok: true })),
  delete: (line) => actions.messages.remove(line.room, place(line)).then(() => ({ ok: true })),
  call: async ({ do: command, fields }) => ({ ok: await actions.call(command, fields) }),
  read({ room, seq }) {
    actions.messages.markRead(room, seq);
    return { ok: true };
  },
  cut() {
    socket?.cut();
    return { ok: true };
  },
  offline() {
    actions.suspend();
    return { ok: true };
  },
  online() {
    actions.resume();
    return { ok: true };
  },
  look() {
    window.dispatchEvent(new Event('focus'));
    return { ok: true };
  },
  sync: ({ latest = false }) => sync(latest).then(() => ({ ok: true })),
  dump,
  quit: () => process.exit(0),
};

/** @param {string} text */
async function obey(text) {
  const { id, ...line } = JSON.parse(text);
  const answer = (/** @type {object} */ reply) => say(id === undefined ? reply : { id, ...reply });
  try {
    answer(await commands[line.cmd](line));
  } catch (error) {
    const { code = 'bug', message } = /** @type {any} */ (error);
    answer({ error: { code, message } });
  }
}

createInterface({ input: process.stdin }).on('line', (line) => void obey(line)).on('close', () => process.exit(0));
void actions.start();
