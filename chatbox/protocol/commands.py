"""Every command: its fields, their limits and their meaning; and `parse`, which reads one.

A command is a frozen struct whose tag is its name on the wire. `docs/api.md` is made from this table.
Field types carry the limits; a rule that needs more than one field or a look at the data stands in
`rules/` or in the use case. Patterns end with `\\Z`, because `$` lets a line end pass.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from chatbox.protocol import administration
from chatbox.protocol.fields import (
    Command,
    FileId,
    Id,
    Limit,
    Line,
    Nonce,
    Password,
    RoomKey,
    Secret,
    Seq,
)

# -- the connection -----------------------------------------------------------------------------------------


class Hello(Command, frozen=True, tag="hello"):
    """A snapshot of what is mine, what changed since `heads`, and from then on every event."""

    epoch: Annotated[str, Meta(max_length=64)] | None = None
    heads: Annotated[dict[RoomKey, Seq], Meta(max_length=5000)] = field(default_factory=dict)
    mine: Seq | None = None
    people: Seq | None = None


class Ping(Command, frozen=True, tag="ping"):
    """The heads as last queued to this connection."""


class Away(Command, frozen=True, tag="away"):
    """Whether the person is away from the screen of this connection."""

    away: bool


# -- messages -----------------------------------------------------------------------------------------------


class MessagePost(Command, frozen=True, tag="message.post"):
    """Post a message. The same nonce again gives the first answer, marked `duplicate`."""

    room: Id
    nonce: Nonce
    text: str
    reply_to: Id | None = None
    files: Annotated[list[FileId], Meta(max_length=10)] = field(default_factory=list)


class MessageEdit(Command, frozen=True, tag="message.edit"):
    """Set the text of an own message."""

    room: Id
    seq: Id
    text: str


class MessageDelete(Command, frozen=True, tag="message.delete"):
    """Delete a message: its place stays, its text and files go."""

    room: Id
    seq: Id


# -- rooms --------------------------------------------------------------------------------------------------


class RoomHistory(Command, frozen=True, tag="room.history"):
    """A page of messages by `seq`, exclusive of the bound given; the newest page without one."""

    room: Id
    before: Seq | None = None
    after: Seq | None = None
    around: Seq | None = None
    limit: Limit = 50


class RoomChanges(Command, frozen=True, tag="room.changes"):
    """What changed after the position `after`, in its current state, by `rev`."""

    room: Id
    after: Seq
    limit: Limit = 200


class RoomList(Command, frozen=True, tag="room.list"):
    """My rooms, and the public ones that I could join."""


class RoomMembers(Command, frozen=True, tag="room.members"):
    """Who is in a room."""

    room: Id


class RoomCreate(Command, frozen=True, tag="room.create"):
    """Make a room and join it as its owner."""

    name: Line
    kind: Annotated[str, Meta(pattern=r"^(public|private)\Z")]
    topic: Line = ""
    nonce: Nonce | None = None


class RoomUpdate(Command, frozen=True, tag="room.update"):
    """Rename a room, set its topic, archive it or bring it back."""

    room: Id
    name: Line | None = None
    topic: Line | None = None
    archived: bool | None = None


class RoomJoin(Command, frozen=True, tag="room.join"):
    """Join a public room."""

    room: Id


class RoomLeave(Command, frozen=True, tag="room.leave"):
    """Leave a room."""

    room: Id


class RoomInvite(Command, frozen=True, tag="room.invite"):
    """Bring a person into a room."""

    room: Id
    user: Id


class RoomRemove(Command, frozen=True, tag="room.remove"):
    """Take a person out of a room."""

    room: Id
    user: Id


class RoomRole(Command, frozen=True, tag="room.role"):
    """Make a member an owner, a moderator or a plain member."""

    room: Id
    user: Id
    role: Annotated[str, Meta(pattern=r"^(owner|moderator|member)\Z")]


class RoomRead(Command, frozen=True, tag="room.read"):
    """Set my read position; backwards only with `unread`."""

    room: Id
    seq: Seq
    unread: bool = False


class RoomTyping(Command, frozen=True, tag="room.typing"):
    """Tell the others in a room that I am typing."""

    room: Id


class RoomHide(Command, frozen=True, tag="room.hide"):
    """Hide a direct room from my list until something new is posted there, or show it again."""

    room: Id
    hidden: bool = True


class DirectOpen(Command, frozen=True, tag="direct.open"):
    """The direct room of these people and me: one per set of people."""

    users: Annotated[list[Id], Meta(min_length=1, max_length=8)]


class Search(Command, frozen=True, tag="search"):
    """Messages with these words and "phrases", newest first, in what I may read."""

    text: Annotated[str, Meta(min_length=1, max_length=200)]
    room: Id | None = None
    before: Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


# -- signing in ---------------------------------------------------------------------------------------------


class ServerInfo(Command, frozen=True, tag="server.info"):
    """What the sign-in page needs: the name, whether setup is open, who may join."""


class SetupComplete(Command, frozen=True, tag="setup.complete"):
    """Name the server and make the first admin. Works once, with the code or token of the console."""

    name: Line
    password: Password
    secret: Secret
    server_name: Line = ""
    full_name: Line = ""
    join: Annotated[str, Meta(pattern=r"^(network|invite|closed)\Z")] = "invite"
    shared: bool = False


class SessionCreate(Command, frozen=True, tag="session.create"):
    """Sign in. Sets the cookie."""

    name: Line
    password: Password
    shared: bool = False


class SessionEnd(Command, frozen=True, tag="session.end"):
    """Sign out."""


class SessionMove(Command, frozen=True, tag="session.move"):
    """Let this sign-in go on under another address of the server, such as https, and end here. `state` is
    whatever the page wants to find there. With `phone` it goes on here as well as on another device, which I
    let in by `session.allow`."""

    phone: bool = False
    state: Annotated[str, Meta(max_length=262_144)] = ""


class SessionTake(Command, frozen=True, tag="session.take"):
    """Go on with a sign-in that was moved, once, within two minutes; or with the ticket of `hello`, within
    three days. Sets the cookie. Another device asks again with the `claim` of the first reply, until it was
    let in."""

    secret: Secret
    claim: Secret | None = None


class SessionMoving(Command, frozen=True, tag="session.moving"):
    """How far the move of this sign-in to another device is."""


class SessionAllow(Command, frozen=True, tag="session.allow"):
    """Let the device in that asks to go on with my sign-in, or nobody any more."""

    allow: bool


class SessionConfirm(Command, frozen=True, tag="session.confirm"):
    """Give my password once more: admin changes are then taken from this sign-in for ten minutes."""

    password: Password


class SessionList(Command, frozen=True, tag="session.list"):
    """My sign-ins and bearer tokens."""


class SessionRevoke(Command, frozen=True, tag="session.revoke"):
    """End one of my sign-ins or tokens, or with `others` all but this one."""

    session: Id | None = None
    others: bool = False


class UserRegister(Command, frozen=True, tag="user.register"):
    """Make an account and sign in."""

    name: Line
    password: Password
    full_name: Line = ""
    invite: Secret | None = None
    shared: bool = False


class LinkCheck(Command, frozen=True, tag="link.check"):
    """What a one-time link is for, without spending it."""

    secret: Secret


class PasswordReset(Command, frozen=True, tag="password.reset"):
    """Set a new password with a link made by an admin. Spends the link."""

    secret: Secret
    password: Password


class TokenCreate(Command, frozen=True, tag="token.create"):
    """Make a bearer token of mine. It is shown once."""

    label: Annotated[str, Meta(min_length=1, max_length=80)]
    password: Password


# -- people -------------------------------------------------------------------------------------------------


class UserUpdate(Command, frozen=True, tag="user.update"):
    """Change my own name, full name or status text."""

    name: Line | None = None
    full_name: Line | None = None
    status: Line | None = None


class UserPassword(Command, frozen=True, tag="user.password"):
    """Change my password. Ends all my other sessions."""

    old: Password
    new: Password


class AccountDelete(Command, frozen=True, tag="account.delete"):
    """Remove myself for good. My messages stay, as those of a former member, or go too."""

    password: Password
    messages: bool = False


class NoticeDismiss(Command, frozen=True, tag="notice.dismiss"):
    """I have read the notice about my account."""


class PeopleList(Command, frozen=True, tag="people.list"):
    """Everyone, for admins: with what the plain list does not tell."""


class UserDisable(Command, frozen=True, tag="user.disable"):
    """Shut an account out at once."""

    user: Id


class UserEnable(Command, frozen=True, tag="user.enable"):
    """Let a disabled account in again."""

    user: Id


class UserRole(Command, frozen=True, tag="user.role"):
    """Make somebody an admin, or a plain member again."""

    user: Id
    role: Annotated[str, Meta(pattern=r"^(admin|member)\Z")]


class UserDelete(Command, frozen=True, tag="user.delete"):
    """Remove a person for good. Their messages stay, as those of a former member, or go too."""

    user: Id
    messages: bool = False


class UserResetLink(Command, frozen=True, tag="user.reset_link"):
    """Make a link with which somebody sets a new password. Ends all their sessions."""

    user: Id


class InviteCreate(Command, frozen=True, tag="invite.create"):
    """Make an invitation link; with a name, whoever accepts it may take that one of a former member."""

    name: Line | None = None
    days: Annotated[int, Meta(ge=1, le=90)] = 7
    uses: Annotated[int, Meta(ge=1, le=1000)] | None = None


class InviteList(Command, frozen=True, tag="invite.list"):
    """The invitations that still work."""


class InviteRevoke(Command, frozen=True, tag="invite.revoke"):
    """Make an invitation link worthless."""

    invite: Id


class ServerUpdate(Command, frozen=True, tag="server.update"):
    """Rename the server, or change who may join."""

    name: Line | None = None
    join: Annotated[str, Meta(pattern=r"^(network|invite|closed)\Z")] | None = None


def all_commands() -> dict[str, type[Command]]:
    """Every command by its name on the wire, in the order of this file; then those of administration."""
    own = [kind for kind in Command.__subclasses__() if kind.__module__ == __name__]
    return {str(kind.__struct_config__.tag): kind for kind in (*own, *administration.kinds())}
