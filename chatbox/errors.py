"""Everything that can go wrong, by what a client should do about it.

::

    Exception
     +-- ChatboxError            `code`, `status` (HTTP), a message for a person, maybe `field`, `retry_in`
     |    +-- Invalid            bad_request 400    the request is wrong; `field` names the part
     |    +-- SignedOut          signed_out 401     nobody is signed in
     |    +-- Forbidden          forbidden 403      known, but not allowed
     |    +-- NotFound           not_found 404      not there, or not yours to know
     |    +-- Conflict           conflict 409       the state does not allow it
     |    |    +-- NonceReused   nonce_reused 409   the nonce belongs to another message
     |    +-- TooLarge           too_large 413      over a size limit
     |    +-- RateLimited        rate_limited 429   too fast; try again after `retry_in`
     |    +-- Busy               busy 503           a queue is full; try again after `retry_in`
     |    +-- Restarting         restarting 503     the server is going down or coming up
     |    +-- Unavailable        unavailable 503    outcome unknown; send again with the same nonce
     |    +-- StorageFull        storage_full 507   the disk is full
     +-- StartError              the program cannot start; `exit_code` says why
          +-- SettingsError, CertificateError 2, NetworkError 3, DataFolderError 4
          +-- DatabaseTooNew, UpgradeFailed 5
"""

from __future__ import annotations

from typing import ClassVar


class ChatboxError(Exception):
    """An answer to a command that failed: a stable code, and a sentence for a person."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, field: str | None = None, retry_in: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_in = retry_in

    @property
    def temporary(self) -> bool:
        """Whether the same command may succeed later, unchanged."""
        return self.retry_in is not None


class Invalid(ChatboxError):
    code = "bad_request"
    status = 400


class SignedOut(ChatboxError):
    code = "signed_out"
    status = 401

    def __init__(self, message: str = "You are signed out. Sign in to go on.") -> None:
        super().__init__(message)


class Forbidden(ChatboxError):
    code = "forbidden"
    status = 403


class NotFound(ChatboxError):
    code = "not_found"
    status = 404


class Conflict(ChatboxError):
    code = "conflict"
    status = 409


class NonceReused(Conflict):
    code = "nonce_reused"


class TooLarge(ChatboxError):
    code = "too_large"
    status = 413


class RateLimited(ChatboxError):
    code = "rate_limited"
    status = 429


class Busy(ChatboxError):
    code = "busy"
    status = 503

    def __init__(self, message: str = "The server is busy. Try again in a moment.", *, retry_in: float = 1.0):
        super().__init__(message, retry_in=retry_in)


class Restarting(ChatboxError):
    code = "restarting"
    status = 503

    def __init__(self, message: str = "The server is restarting.", *, retry_in: float = 2.0):
        super().__init__(message, retry_in=retry_in)


class Unavailable(ChatboxError):
    code = "unavailable"
    status = 503

    def __init__(self, message: str, *, retry_in: float = 1.0):
        super().__init__(message, retry_in=retry_in)


class StorageFull(ChatboxError):
    code = "storage_full"
    status = 507

    def __init__(
        self, message: str = "The server's disk is full. Nothing was stored.", *, retry_in: float = 30.0
    ):
        super().__init__(message, retry_in=retry_in)


class StartError(Exception):
    """The program cannot start. The text is for the person at the console."""

    exit_code: ClassVar[int] = 1


class CertificateError(StartError):
    exit_code = 2


class NetworkError(StartError):
    exit_code = 3


class DataFolderError(StartError):
    exit_code = 4


class DatabaseTooNew(StartError):
    exit_code = 5


class UpgradeFailed(StartError):
    exit_code = 5
