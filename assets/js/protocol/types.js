/**
 * What goes over the wire. Times are milliseconds since 1970, UTC; a field that is absent means none, false or 0.
 *
 * @typedef {string
 *   | {t: 'b' | 'i' | 's', c: Inline[]}
 *   | {t: 'code', text: string}
 *   | {t: 'a', href: string, c: Inline[]}
 *   | {t: 'br'}
 *   | {t: 'mention', user: number, text: string}} Inline
 *
 * @typedef {{t: 'p', c: Inline[]}
 *   | {t: 'pre', text: string, lang?: string}
 *   | {t: 'quote', c: Block[]}
 *   | {t: 'ul', c: Block[][]}
 *   | {t: 'ol', start?: number, c: Block[][]}} Block
 *
 * @typedef {object} FileInfo
 * @property {string} id
 * @property {string} name
 * @property {number} size in bytes
 * @property {string} type MIME
 * @property {number} [width] of a bitmap
 * @property {number} [height]
 *
 * @typedef {object} Message
 * @property {number} room
 * @property {number} seq its place, for ever
 * @property {number} rev the number of its latest change
 * @property {number} user
 * @property {string} [nonce]
 * @property {string} text
 * @property {Block[]} [parts]
 * @property {number[]} [mentions]
 * @property {number} at
 * @property {number} [edited]
 * @property {number} [deleted]
 * @property {number} [reply_to]
 * @property {FileInfo[]} [files]
 *
 * @typedef {'public' | 'private' | 'direct'} RoomKind
 * @typedef {'owner' | 'moderator' | 'member'} RoomRole
 *
 * The part that is the same for everyone, and the personal part.
 * @typedef {object} RoomInfo
 * @property {number} id
 * @property {RoomKind} kind
 * @property {string} name
 * @property {string} [topic]
 * @property {number} head
 * @property {number} [posts]
 * @property {number} [at] when last posted to, or made
 * @property {number} [archived]
 * @property {number} [count] members
 * @property {number[]} [users] all of a direct room, me too
 * @property {boolean} [general]
 * @property {boolean} [member] personal, as all below
 * @property {RoomRole} [role]
 * @property {number} [read]
 * @property {number} [unread]
 * @property {number} [mentions]
 * @property {boolean} [hidden]
 * @property {string} [level]
 *
 * @typedef {object} Person
 * @property {number} id
 * @property {string} name
 * @property {string} [full_name]
 * @property {boolean} [admin]
 * @property {boolean} [bot]
 * @property {string} [status]
 * @property {boolean} [gone]
 *
 * @typedef {Person & {role: 'admin' | 'member', notice?: AccountNotice}} Me
 * @typedef {{kind: string, at: number, by?: number, url?: string, old?: string, name?: string, address?: string, network?: string}} AccountNotice
 * @typedef {Person & {role: 'admin' | 'member', state: 'active' | 'disabled' | 'deleted', created: number, seen?: number, sessions: number}} AdminPerson
 * @typedef {{user: number, role: RoomRole}} Member
 * @typedef {{user: number, role?: RoomRole, left?: boolean, rev: number}} MemberChange
 * @typedef {{id: number, kind: 'browser' | 'token', label: string, address: string, created: number, used: number, current?: boolean}} SessionInfo
 * @typedef {{id: number, expires: number, uses?: number, used: number, by: number, former?: number}} Invite
 * @typedef {'network' | 'invite' | 'closed'} JoinPolicy
 * @typedef {{id: string, name: string, version: string, protocol: number, addresses: string[], logo?: string}} ServerInfo
 * @typedef {{id: string, name: string, logo?: string, setup: boolean, join: JoinPolicy, version: string, assets: string, signed_in: boolean}} PublicInfo
 * @typedef {{text_bytes: number, file_bytes: number, frame_bytes: number}} Limits
 * @typedef {{kind: 'invite' | 'password' | 'move', by: string, expires: number, name?: string, server: string, phone?: boolean}} LinkInfo
 * @typedef {{phase: 'offered' | 'asked' | 'allowed' | 'arrived' | 'over', left?: number, label?: string, address?: string}} Moving
 * @typedef {{code: string, message: string, field?: string, retry_in?: number}} WireError
 * @typedef {{message: Message, name?: string}} Hit
 *
 * @typedef {object} Overview
 * @property {string} version
 * @property {number} started
 * @property {number} people
 * @property {number} online
 * @property {number} connections to all servers
 * @property {number} servers that share the work
 * @property {number} devices other than the server's own computer, since it started
 * @property {number} rooms
 * @property {number} messages
 * @property {{database: number, uploads: number, files: number, free: number, total: number}} storage in bytes
 *
 * @typedef {{name: string, value: string, default: string, allowed: string, help: string, by: 'default' | 'machine' | 'admin', source: string, changeable: boolean}} SettingInfo
 * @typedef {{system: string, name: string, steps: {text: string, command?: string}[]}} FirewallGuide
 * @typedef {{on: boolean, problem: string, command: string, can_change: boolean, notes?: string[]}} ServiceState
 * @typedef {{addresses: string[], devices: number, seconds: number, late: boolean, guides: FirewallGuide[], here: number, can_open: boolean, exposed: string[]}} Reach
 *
 * @typedef {object} HelloReply
 * @property {Me} me
 * @property {ServerInfo} server
 * @property {string} epoch
 * @property {Limits} limits
 * @property {{id: number, shared?: boolean, ticket?: string}} session
 * @property {JoinPolicy} join
 * @property {string} assets
 * @property {number} mine
 * @property {number} people_rev
 * @property {Person[]} people
 * @property {number[]} online
 * @property {number[]} away
 * @property {RoomInfo[]} rooms
 * @property {Record<string, Message[] | 'reset' | 'behind'>} changes
 * @property {Notice[]} notices for admins
 *
 * @typedef {{ev: 'messages', room: number, after: number, head: number, messages: Message[], members: MemberChange[]}} MessagesEvent
 * @typedef {{ev: 'room', room: RoomInfo, mine?: number}} RoomEvent
 * @typedef {{ev: 'room.gone', room: number, mine?: number}} RoomGoneEvent
 * @typedef {{ev: 'read', room: number, read: number, unread: number, mentions: number, head?: number, mine?: number}} ReadEvent
 * @typedef {{ev: 'people', after: number, people_rev: number, people: Person[]}} PeopleEvent
 * @typedef {{ev: 'presence', online: number[], away: number[], offline: number[]}} PresenceEvent
 * @typedef {{ev: 'typing', room: number, user: number}} TypingEvent
 * @typedef {{ev: 'server', server: Partial<ServerInfo>, join?: JoinPolicy, limits?: Partial<Limits>}} ServerEvent
 * @typedef {{ev: 'addresses', addresses: string[]}} AddressesEvent
 * @typedef {{ev: 'me', me: Me, mine?: number, after?: number}} MeEvent
 * @typedef {{kind: string} & Record<string, any>} Notice what admins should know of the machine
 * @typedef {{ev: 'notices', notices: Notice[]}} NoticesEvent
 * @typedef {MessagesEvent | RoomEvent | RoomGoneEvent | ReadEvent | PeopleEvent | PresenceEvent | TypingEvent | ServerEvent | AddressesEvent | MeEvent | NoticesEvent} ServerEventAny
 *
 * @typedef {{heads: Record<string, number>, mine: number, people_rev: number}} PingReply
 * @typedef {{epoch?: string, heads?: Record<string, number>, mine?: number, people?: number}} Positions what a client tells in `hello`
 */
export {};
