"""Who may do what in a room. Every check of a room's rights is one of these functions.

What somebody may not know of answers like what is not there (OWASP, Insecure Direct Object Reference
Prevention): `NotFound`, with the same words.
"""

from __future__ import annotations

from typing import NamedTuple

from chatbox.errors import Conflict, Forbidden, NotFound, SignedOut

NO_ROOM = "That room is not there, or you are not in it."


class Access(NamedTuple):
    """Where one user stands towards one room, as stored. `role` None: not a member now."""

    kind: str | None  # None: there is no such room
    general: bool
    archived: bool
    role: str | None
    admin: bool
    active: bool  # the account is active and the sign-in still stands


def may_see(access: Access) -> None:
    """Read the room: members, and nobody else. Raises `SignedOut` or `NotFound`."""
    if not access.active:
        raise SignedOut
    if access.kind is None or access.role is None:
        raise NotFound(NO_ROOM)


def may_post(access: Access) -> None:
    """Post, edit or delete own messages, type: members of a room that is not archived."""
    may_see(access)
    if access.archived:
        raise Conflict("This room is archived. Nothing new can be written in it.")


def may_moderate(access: Access) -> bool:
    """Whether others' messages may be deleted: owners and moderators, and admins who are in the room."""
    return access.kind != "direct" and (access.admin or access.role in ("owner", "moderator"))


def may_join(access: Access) -> None:
    """Join: public rooms only, and not archived ones."""
    if not access.active:
        raise SignedOut
    if access.kind is None or (access.role is None and access.kind != "public"):
        raise NotFound(NO_ROOM)
    if access.archived and access.role is None:
        raise Conflict("This room is archived.")


def may_leave(access: Access) -> None:
    """Leave: any room but the one for everybody and direct rooms."""
    may_see(access)
    _no_direct(access, "A direct room cannot be left. It can be hidden.")
    if access.general:
        raise Conflict("Everybody is in this room. It cannot be left.")


def may_invite(access: Access) -> None:
    """Bring somebody in: any member of a public or private room."""
    may_post(access)
    _no_direct(access, "Open a new direct room to talk with other people.")


def may_manage(access: Access) -> None:
    """Rename, set the topic, archive, remove: owners and moderators, and admins who are in the room."""
    may_see(access)
    _no_direct(access, "A direct room has no settings.")
    if not may_moderate(access):
        raise Forbidden("Only the owner of the room or an admin can do that.")


def may_remove(access: Access, role: str) -> None:
    """Remove a member who has this role: moderators cannot remove an owner."""
    may_manage(access)
    if access.general:
        raise Conflict("Everybody is in this room. Nobody can be taken out of it.")
    if role == "owner" and not (access.admin or access.role == "owner"):
        raise Forbidden("Only an owner or an admin can do that.")


def may_give_role(access: Access) -> None:
    """Change somebody's role in the room: owners and admins."""
    may_manage(access)
    if not (access.admin or access.role == "owner"):
        raise Forbidden("Only an owner or an admin can do that.")


def _no_direct(access: Access, message: str) -> None:
    if access.kind == "direct":
        raise Conflict(message)
