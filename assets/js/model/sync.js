/**
 * What the server sends, applied to the store by the rules of positions: an event above my position is a gap, one at or
 * below it is old, and of two states of a message the greater `rev` wins.
 *
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./store.js').Outcome} Outcome
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {import('../protocol/types.js').HelloReply} HelloReply
 * @typedef {import('../protocol/types.js').RoomInfo} RoomInfo
 */

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').ServerEventAny & {repaired?: boolean}} event `repaired`: made of a finished `room.changes`
 * @returns {Outcome}
 */
export function applyEvent(store, event) {
  const { mine, after = (mine ?? 0) - 1 } = /** @type {{mine?: number, after?: number}} */ (event);
  if (mine === undefined) return applyKind(store, event);
  // What is a person's own has one number, which every change to it takes.
  if (mine <= store.mine) return 'done';
  const missed = after > store.mine;
  store.mine = mine;
  const outcome = applyKind(store, event);
  return missed ? 'hello' : outcome;
}

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').ServerEventAny & {repaired?: boolean}} event
 * @returns {Outcome}
 */
function applyKind(store, event) {
  switch (event.ev) {
    case 'messages': return applyMessages(store, event);
    case 'room': return applyRoom(store, event.room);
    case 'room.gone': return eraseRoom(store, event.room);
    case 'read': return applyRead(store, event);
    case 'people': return applyPeople(store, event);
    case 'presence': return applyPresence(store, event);
    case 'typing': return applyTyping(store, event);
    case 'server': return applyServer(store, event);
    case 'addresses': return applyServer(store, { server: { addresses: event.addresses } });
    case 'me': return applyMe(store, event.me);
    case 'notices': return applyNotices(store, event.notices);
    default: return 'done';
  }
}

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').MessagesEvent & {repaired?: boolean}} event
 * @returns {Outcome}
 */
function applyMessages(store, { room: id, after, head, messages, members = [], repaired = false }) {
  const room = store.rooms.get(id);
  if (!room || head <= room.position) return 'done';
  if (after > room.position) return 'gap';
  const { posts, sure } = room.advance(after, head, messages, store.me?.id ?? 0);
  settle(store, room, messages);
  if (repaired ? store.members.forget(id) : store.members.apply(id, members)) store.touch('members', id);
  if (messages.length) for (const topic of ['timeline', 'rooms']) store.touch(topic, id);
  store.arrived(room, posts);
  return sure ? 'done' : 'hello';
}

/**
 * My drafts that have become messages.
 *
 * @param {Store} store
 * @param {Room} room
 * @param {Message[]} messages
 */
export function settle(store, room, messages) {
  if (store.outbox.size === 0) return;
  for (const { user, nonce } of messages) if (nonce && user === store.me?.id) store.outbox.remove(nonce);
  store.outbox.settle(room.id);
}

/**
 * @param {Store} store
 * @param {RoomInfo} info
 * @returns {Outcome}
 */
function applyRoom(store, info) {
  const room = store.rooms.get(info.id);
  if (info.member === false) return 'done';
  if (room) {
    room.merge(info);
  } else if (info.member) {
    store.rooms.add(info);
  }
  if (room || info.member) {
    store.touch('room', info.id);
    store.touch('rooms', info.id);
  }
  return 'done';
}

/**
 * @param {Store} store
 * @param {number} id
 * @returns {Outcome}
 */
export function eraseRoom(store, id) {
  if (!store.rooms.delete(id)) return 'done';
  for (const { nonce } of store.outbox.of(id)) store.outbox.failed(nonce, { code: 'not_found', message: '' });
  store.members.forget(id);
  if (store.open?.room === id) {
    store.open = null;
    store.touch('open');
  }
  store.touch('gone', id);
  store.touch('rooms', id);
  return 'done';
}

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').ReadEvent} event
 * @returns {Outcome}
 */
function applyRead(store, { room: id, ...counts }) {
  const room = store.rooms.get(id);
  if (!room) return 'done';
  store.touch('rooms', id);
  return room.setCounts(counts) ? 'done' : 'hello';
}

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').PeopleEvent} event
 * @returns {Outcome}
 */
function applyPeople(store, { after, people_rev: rev, people }) {
  if (rev <= store.peopleRev) return 'done';
  if (after > store.peopleRev) return 'hello';
  store.peopleRev = rev;
  store.touch('people', ...store.people.merge(people));
  return 'done';
}

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').PresenceEvent} event
 * @returns {Outcome}
 */
function applyPresence(store, event) {
  store.touch('presence', ...store.people.setPresence(event));
  return 'done';
}

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').TypingEvent} event
 * @returns {Outcome}
 */
function applyTyping(store, { room, user }) {
  if (user !== store.me?.id && store.rooms.get(room)) store.typing.start(room, user);
  return 'done';
}

/**
 * @param {Store} store
 * @param {Pick<import('../protocol/types.js').ServerEvent, 'server' | 'join' | 'limits'>} event
 * @returns {Outcome}
 */
function applyServer(store, { server, join, limits }) {
  if (store.server) store.server = { ...store.server, ...server };
  store.join = join ?? store.join;
  Object.assign(store.limits, limits);
  store.touch('server');
  return 'done';
}

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').Me} me
 * @returns {Outcome}
 */
function applyMe(store, me) {
  store.me = me;
  store.touch('me');
  return 'done';
}

/**
 * @param {Store} store
 * @param {import('../protocol/types.js').Notice[]} notices
 * @returns {Outcome}
 */
function applyNotices(store, notices) {
  store.notices = notices;
  store.touch('notices');
  return 'done';
}

/**
 * @param {Store} store
 * @param {HelloReply} reply
 * @returns {number[]} rooms that are behind
 */
export function applyHello(store, reply) {
  const sameHistory = store.epoch === reply.epoch;
  const { me, server, session, limits, join, epoch, mine } = reply;
  Object.assign(store, { me, server, session, limits, join, epoch, mine, peopleRev: reply.people_rev });
  store.touch('people', ...store.people.merge(reply.people));
  store.touch('presence', ...store.people.resetPresence(reply.online, reply.away));
  applyNotices(store, reply.notices);
  for (const topic of ['me', 'server']) store.touch(topic);
  const mineNow = new Set(reply.rooms.map(({ id }) => id));
  for (const { id } of store.rooms.all()) if (!mineNow.has(id)) eraseRoom(store, id);
  const behind = reply.rooms.filter((info) => resumeRoom(store, info, reply.changes[info.id], sameHistory));
  for (const { id } of reply.rooms) store.outbox.settle(id);
  return behind.map(({ id }) => id);
}

/**
 * @param {Store} store
 * @param {RoomInfo} info
 * @param {Message[] | 'reset' | 'behind' | undefined} changes since the position told
 * @param {boolean} sameHistory
 * @returns {boolean} whether its changes must be asked for
 */
function resumeRoom(store, info, changes, sameHistory) {
  const personal = { ...info, member: true };
  store.touch('rooms', info.id);
  store.touch('room', info.id);
  const room = store.rooms.get(info.id) ?? store.rooms.add(personal);
  const { position } = room;
  const wasTracked = room.timeline.tracked;
  room.counted = 0; // what the server counted stands, whatever I had counted
  room.merge(personal);
  if (position !== info.head && store.members.forget(info.id)) store.touch('members', info.id);
  if (!sameHistory || position > info.head || changes === 'reset') store.forgetRoom(room, info.head);
  else if (!wasTracked) room.timeline.position = info.head;
  else if (Array.isArray(changes)) catchUp(store, room, info.head, changes);
  else return position < info.head;
  return false;
}

/**
 * @param {Store} store
 * @param {Room} room
 * @param {number} head
 * @param {Message[]} messages everything that changed since the room's position
 */
function catchUp(store, room, head, messages) {
  room.advance(room.position, head, messages, store.me?.id ?? 0);
  settle(store, room, messages);
  store.touch('timeline', room.id);
}
