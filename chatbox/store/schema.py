"""The first schema. Frozen: every later change is a migration that is appended in `migrate.py`."""

SCHEMA_1 = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,          -- server, epoch, name, join, people_rev, setup
    value
) WITHOUT ROWID;

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT UNIQUE,          -- NFKC and casefold of name; NULL once deleted
    full_name TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL DEFAULT 'person',      -- person, bot
    role TEXT NOT NULL DEFAULT 'member',      -- admin, member
    state TEXT NOT NULL DEFAULT 'active',     -- active, disabled, deleted
    password TEXT,                 -- Argon2id in PHC form; NULL: cannot sign in with one
    notice TEXT,                   -- JSON that is shown to the person until dismissed
    rev INTEGER NOT NULL,          -- number of the latest change to the list of people
    mine INTEGER NOT NULL DEFAULT 0,          -- number of the latest change to what is this person's own
    created_at INTEGER NOT NULL,
    seen_at INTEGER
);
CREATE INDEX users_rev ON users (rev);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users,
    kind TEXT NOT NULL,            -- browser, token
    token_hash BLOB NOT NULL UNIQUE,
    label TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    shared INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
);
CREATE INDEX sessions_user ON sessions (user);

CREATE TABLE links (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,            -- invite, password
    secret_hash BLOB NOT NULL UNIQUE,
    user INTEGER REFERENCES users, -- whose password
    made_by INTEGER REFERENCES users,         -- NULL: made at the console
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    uses INTEGER,                  -- how often it may be used; NULL: any number
    used INTEGER NOT NULL DEFAULT 0,
    revoked_at INTEGER
);

CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,            -- public, private, direct
    name TEXT NOT NULL DEFAULT '',
    name_key TEXT UNIQUE,          -- NULL for direct and archived rooms
    topic TEXT NOT NULL DEFAULT '',
    people TEXT UNIQUE,            -- direct: the ids of its people, ascending, joined by commas
    general INTEGER NOT NULL DEFAULT 0,
    head INTEGER NOT NULL DEFAULT 0,
    posts INTEGER NOT NULL DEFAULT 0,
    members INTEGER NOT NULL DEFAULT 0,
    rev INTEGER NOT NULL DEFAULT 0,           -- number of the latest change to the settings
    floor INTEGER NOT NULL DEFAULT 0,
    made_by INTEGER REFERENCES users,
    nonce TEXT,
    created_at INTEGER NOT NULL,
    posted_at INTEGER NOT NULL,
    archived_at INTEGER,
    UNIQUE (made_by, nonce)
);

CREATE TABLE memberships (
    room INTEGER NOT NULL REFERENCES rooms,
    user INTEGER NOT NULL REFERENCES users,
    role TEXT NOT NULL DEFAULT 'member',      -- owner, moderator, member
    level TEXT NOT NULL DEFAULT 'all',
    rev INTEGER NOT NULL,
    read_seq INTEGER NOT NULL DEFAULT 0,
    read_posts INTEGER NOT NULL DEFAULT 0,
    hidden_posts INTEGER,          -- hidden while the room has exactly this many posts
    joined_at INTEGER NOT NULL,
    left_at INTEGER,               -- NULL: a member now
    PRIMARY KEY (user, room)
) WITHOUT ROWID;
CREATE INDEX memberships_room ON memberships (room, rev);

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL REFERENCES rooms,
    seq INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    post INTEGER NOT NULL,         -- the how-manieth post of its room it is
    user INTEGER NOT NULL REFERENCES users,
    nonce TEXT NOT NULL,
    fingerprint BLOB NOT NULL,     -- of what was posted, so that a reused nonce is told from a resend
    text TEXT NOT NULL,
    parts TEXT,
    parts_version INTEGER NOT NULL DEFAULT 0,
    mentions TEXT,
    files TEXT,
    file_names TEXT NOT NULL DEFAULT '',      -- for the full text
    reply_to INTEGER,
    at INTEGER NOT NULL,
    edited_at INTEGER,
    deleted_at INTEGER,
    crc INTEGER NOT NULL,          -- CRC-32 over the stored state; see store/integrity.py
    UNIQUE (room, seq),
    UNIQUE (user, nonce)
);
CREATE UNIQUE INDEX messages_rev ON messages (room, rev);

CREATE TABLE mentions (
    user INTEGER NOT NULL,
    room INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user, room, seq)
) WITHOUT ROWID;

CREATE TABLE files (
    id TEXT PRIMARY KEY,           -- random, in the address
    hash TEXT NOT NULL,            -- SHA-256 of the content: the file on disk
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    type TEXT NOT NULL,
    width INTEGER,
    height INTEGER,
    user INTEGER NOT NULL REFERENCES users,
    created_at INTEGER NOT NULL,
    room INTEGER,                  -- with seq: the message it belongs to; NULL: not posted yet
    seq INTEGER
) WITHOUT ROWID;
CREATE INDEX files_hash ON files (hash);
CREATE INDEX files_unposted ON files (created_at) WHERE room IS NULL;

CREATE VIRTUAL TABLE messages_text USING fts5 (
    text, file_names, content = 'messages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
"""
