"""What each command replies, as `docs/api.md` shows it.

`?` marks a field that may be absent. *message*, *room*, *person* and *me* are described in
`docs/protocol.md`. Nothing of this is needed to run, so only the generator of that page imports it.
"""

from __future__ import annotations

_NOTHING = "`{}`"
_CHANGED = '`{"room", "seq", "rev"}`'
_ROOM = '`{"room": room}`, with its personal part'
_SIGNED_IN = '`{"user": me}`, and sets the cookie'
_SETTINGS = (
    '`{"settings": [{"name", "value", "default", "allowed", "help", "by": "default" | "machine" | "admin",'
    ' "source", "changeable"}]}`; `source`: of `machine`, where: a line of the file, or what was given at the'
    " start, such as `--set`"
)
_PERSON = '`{"person": person}`, with the further fields of `people.list`'

REPLIES: dict[str, str] = {
    "hello": (
        '`{"me", "rooms": [room], "people": [person], "people_rev", "mine", "changes"?: {id: [message] |'
        ' "reset" | "behind"}, "online": [id], "away": [id], "server": {"id", "name", "logo", "version",'
        ' "protocol", "addresses": [url]}, "epoch", "join", "assets", "session": {"id", "shared", "ticket"?},'
        ' "limits": {"text_bytes", "file_bytes", "frame_bytes"}, "notices"?: [{"kind", …}]}`; `changes` where'
        " `heads` were given, `notices` for admins"
    ),
    "ping": '`{"heads": {id: head}, "mine", "people_rev"}`',
    "away": _NOTHING,
    "message.post": '`{"room", "seq", "rev", "at", "duplicate"?: true}`',
    "message.edit": _CHANGED,
    "message.delete": _CHANGED,
    "room.history": (
        '`{"messages": [message], "more"}`, by `seq`; `more`: there are further ones in this direction. With'
        ' `around` that is towards older ones, and `"more_after"` tells of newer ones'
    ),
    "room.changes": '`{"messages": [message], "to", "head", "more"}`, by `rev`; the position is then `to`',
    "room.list": '`{"rooms": [room]}`; those that are not mine with `"member": false`',
    "room.members": '`{"members": [{"user", "role"}]}`',
    "room.create": _ROOM,
    "room.update": _ROOM,
    "room.join": _ROOM,
    "room.leave": '`{"room": {"id"}}`',
    "room.invite": _ROOM,
    "room.remove": _ROOM,
    "room.role": _ROOM,
    "room.read": '`{"room", "read", "unread", "mentions", "head"}`; the counts are those at `head`',
    "room.typing": _NOTHING,
    "room.hide": _ROOM,
    "direct.open": _ROOM,
    "search": (
        '`{"hits": [{"message": message}], "more", "before"?}`; `before` goes into the command for the next'
        " page"
    ),
    "server.info": (
        '`{"id", "name", "logo", "setup", "join", "version", "assets", "signed_in"}`; `setup`: it waits for'
        " its first admin; `logo`: the picture is at `/logo/<logo>`"
    ),
    "setup.complete": _SIGNED_IN,
    "session.create": _SIGNED_IN,
    "session.end": "`{}`, and takes the cookie away",
    "session.move": '`{"secret", "url"?}`; `url` with `phone`: what the QR code holds',
    "session.take": (
        '`{"user": me, "state"}`, and sets the cookie; or `{"waiting": true, "claim"}` until it was let in'
    ),
    "session.moving": (
        '`{"phase": "offered" | "asked" | "allowed" | "arrived" | "over", "left"?, "label"?, "address"?}`;'
        " `left` in ms, the others of the device that asks"
    ),
    "session.allow": _NOTHING,
    "session.confirm": '`{"seconds"}`: so long it holds',
    "session.list": (
        '`{"sessions": [{"id", "kind": "browser" | "token", "label", "address", "created", "used",'
        ' "current"?: true}]}`'
    ),
    "session.revoke": _NOTHING,
    "user.register": _SIGNED_IN,
    "link.check": (
        '`{"kind": "invite" | "password" | "move", "by", "expires", "server", "name"?, "phone"?: true}`;'
        " `name`: whose password or sign-in it is"
    ),
    "password.reset": '`{"user": {"name"}}`; nobody is signed in by it',
    "token.create": '`{"token", "session"}`, the session as in `session.list`',
    "user.update": '`{"me": me}`',
    "user.password": _NOTHING,
    "account.delete": "`{}`, and takes the cookie away",
    "notice.dismiss": _NOTHING,
    "people.list": (
        '`{"people": [person]}`, each with `"role": "admin" | "member"`, `"state": "active" | "disabled" |'
        ' "deleted"`, `"created"`, `"seen"?` and `"sessions"`, their number'
    ),
    "user.disable": _PERSON,
    "user.enable": _PERSON,
    "user.role": _PERSON,
    "user.delete": _PERSON,
    "user.reset_link": '`{"secret", "url", "expires"}`',
    "invite.create": (
        '`{"invite": {"id", "expires", "used", "by", "uses"?, "former"?}, "secret", "url"}`; the secret is'
        " told once; `former`: whose name may be taken"
    ),
    "invite.list": '`{"invites": [invite]}`, as in `invite.create`',
    "invite.revoke": _NOTHING,
    "server.update": '`{"name", "join"}`',
    "server.addresses": (
        '`{"addresses": [{"url", "kind", "adapter"?}]}`; `kind` is `chosen` (in the settings), `name`,'
        " `local` (a name on its network), `loopback` (this machine alone), `wifi`, `cable`, `vpn`,"
        " `container`, `virtual` (machines), `direct` (from device to device), `self_assigned` (no router"
        " gave it) or `other`; `adapter` is the system's name of it"
    ),
    "admin.overview": (
        '`{"version", "started", "people", "online", "connections", "servers", "devices", "rooms",'
        ' "messages", "storage": {"database", "uploads", "files", "free", "total"}}`; sizes in bytes,'
        " `connections`: to all `servers` of a cluster, those to others as they were some seconds ago,"
        " `devices`: addresses other than this computer's since `started`, that came to this server"
    ),
    "admin.rooms": '`{"rooms": [room], "private", "direct"}`; of the latter two their number',
    "admin.archive": '`{"room": room}`',
    "admin.logo": '`{"logo"}`, its hash: the picture is at `/logo/<hash>`',
    "admin.reach": (
        '`{"addresses": [url], "devices", "seconds", "late", "guides": [{"system", "name", "steps": [{"text",'
        ' "command"?}]}], "here", "can_open", "exposed": [network]}`; addresses that lead to this computer'
        " alone are left out; `late`: nobody has come for three minutes; the first `here` of the guides are"
        " for what is at work on this computer; `exposed`: its public networks that do not count as this one"
    ),
    "admin.firewall": _NOTHING,
    "service.status": (
        '`{"on", "problem", "command", "can_change"}`; `problem`: why it cannot be changed, for a person, or'
        " empty; `command`: what to type then at the computer, or empty; `can_change`: it can, and the caller"
        " sits at this computer"
    ),
    "service.set": "as `service.status`, and `notes`: what is good to know, a list of texts",
    "qr.make": '`{"rows": ["0110…", …]}`: the modules without the border, a dark one as 1',
    "settings.list": _SETTINGS,
    "settings.update": _SETTINGS,
    "backup.list": (
        '`{"backups": [{"name", "at", "bytes", "counts", "missing"}], "folder", "same_disk", "schedule",'
        ' "keep": [days, weeks, months], "doing"?, "failure"?: {"at", "message"}}`; `doing`: one is made now;'
        " `GET /backups/<name>.zip` hands one out, over HTTPS or on the server's own machine"
    ),
    "backup.create": _NOTHING,
    "backup.ready": _NOTHING,
    "licenses.list": '`{"parts": [{"name", "version", "license"}]}`; `license` as an SPDX expression, mostly',
    "licenses.text": '`{"text"}`',
}
