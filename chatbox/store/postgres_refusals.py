"""What a person reads where a PostgreSQL database cannot be used: what happened, and what to do next."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]

CONNECTIONS = 7  # of one server, while it starts as well


def shown(url: str) -> str:
    """An address for a person, without the password."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2] or "this computer"
    return f"The database {parts.path.lstrip('/') or '(no name)'} at {place}"


def why_not_reached(url: str, error: Exception) -> str:
    """Why there is no connection."""
    parts, where, reason = urlsplit(url), shown(url), _reason(error)
    match error:
        case asyncpg.InvalidPasswordError():
            return f"{where} refuses the password of {parts.username}. Set the right one in the address."
        case asyncpg.InvalidAuthorizationSpecificationError():
            return (
                f"{where} does not let this user in: {reason}. Allow it in pg_hba.conf on the computer "
                "of the database, or name another user."
            )
        case asyncpg.InvalidCatalogNameError():
            return f"{where} does not exist. Make it: createdb --encoding=UTF8 {parts.path.lstrip('/')}"
        case asyncpg.InsufficientPrivilegeError():
            return (
                f"The user {parts.username} may not use this database: {reason}. Make this user its owner: "
                f"ALTER DATABASE {parts.path.lstrip('/')} OWNER TO {parts.username}"
            )
        case asyncpg.TooManyConnectionsError():
            return (
                f"{where} has no connection left: {reason}. Every server needs {CONNECTIONS}: raise "
                "max_connections in postgresql.conf, or the limit of this user or database."
            )
        case asyncpg.TargetServerAttributeNotMatched():
            return f"{where} is a copy that cannot be written. Name the server that it is a copy of."
        case ssl.SSLError():  # some of them are a ValueError as well
            return (
                f"{where} shows a certificate that does not hold: {reason}. Name the file of who made it, "
                "sslrootcert=FILE in the address, or have the right one made."
            )
        case asyncpg.UndefinedObjectError() | asyncpg.InterfaceError() | ValueError():
            return f"The address of {_within(where)} is not right: {reason}."
        case asyncpg.PostgresError():
            return f"{where} cannot be used just now: {reason}. Start again in a moment."
        case FileNotFoundError() if "ssl" in parts.query:
            return f"The address of {_within(where)} names a file for TLS that is not there."
        case ConnectionError() if "rejected SSL" in reason:
            return (
                f"{where} does not encrypt connections, which sslmode in the address asks for. Turn that on, "
                "ssl = on in postgresql.conf, or take sslmode away. Or what answers there is no PostgreSQL."
            )
    return f"{where} cannot be reached: {reason}. Does PostgreSQL run there, and listen on that address?"


def why_unusable(url: str, error: Exception) -> str:
    """Why nothing can be made or found in it, where there is a connection."""
    where, reason = shown(url), _reason(error)
    match error:
        case asyncpg.InsufficientPrivilegeError() | asyncpg.InvalidSchemaNameError():
            return (
                f"The user of {_within(where)} may not make tables there: {reason}. Make this user the owner "
                "of the database."
            )
        case asyncpg.SyntaxOrAccessError():
            return (
                f"{where} holds tables of another program: {reason}. Give Chatbox a database of its own: "
                "createdb --encoding=UTF8 NAME"
            )
    return f"{where} cannot be used: {reason}. Start again in a moment."


def _reason(error: Exception) -> str:
    """The first line of what is said, without its full stop."""
    told = getattr(error, "strerror", None) or str(error) or "it does not answer"
    return str(told).partition("\n")[0].rstrip(".")


def _within(where: str) -> str:
    return where[0].lower() + where[1:]
