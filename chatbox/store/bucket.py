"""A bucket of S3, or of a storage that is used as S3 is: what uploads need of it, and its trouble in words.

Everything here blocks, each request for less than a minute. Once the bucket did not answer, whoever asks
within the next seconds is refused at once, so that nobody waits behind those who do.
"""

from __future__ import annotations

import errno
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from botocore import exceptions as boto  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]
from botocore.session import get_session  # type: ignore[import-untyped]
from s3transfer.futures import NonThreadedExecutor  # type: ignore[import-untyped]
from s3transfer.manager import TransferConfig, TransferManager  # type: ignore[import-untyped]

from chatbox.errors import DataFolderError, StorageFull, Unavailable
from chatbox.settings import S3

log = logging.getLogger("chatbox.bucket")

T = TypeVar("T")
USERS = 16  # threads that use a bucket at once

_CONNECTS_WITHIN, _ANSWERS_WITHIN = 3.0, 15.0  # seconds
_TRIES = 2
_RESTS = 2.0  # seconds after it did not answer
_PART = 64 * 2**20  # bytes: a larger file is sent in parts, each of which can be sent again
_BROKEN = (boto.ReadTimeoutError, boto.IncompleteReadError, boto.ResponseStreamingError)
_FULL = {"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "507"}
_REGION = "{Where} is in another region than {region}. Set [s3] region to that one."
_RIGHTS = "The key for {where} lacks rights. Allow it to read, write, delete and list there."
_ENDPOINT = "Is [s3] endpoint right?"
_REFUSALS = {  # by the codes of Amazon, which the others keep as well; those of HTTP where there is no body
    "NoSuchBucket": "{Where} does not exist. Make it, or name another one in [storage] uploads.",
    "InvalidAccessKeyId": "{Where} does not know the key. Set [s3] access_key as the storage has given it.",
    "SignatureDoesNotMatch": "The secret for {where} is wrong. Set [s3] secret_key as it came with the key.",
    "AccessDenied": _RIGHTS,
    "403": _RIGHTS,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "301": _REGION,
    "404": f"{{Where}} does not answer as S3 does. {_ENDPOINT}",
    "ExpiredToken": "The key for {where} has expired. Set a new one in [s3].",
    "RequestTimeTooSkewed": "The clocks of {where} and of this computer differ too much. Set them right.",
}


class BucketAway(Unavailable):
    """The bucket cannot be used now. `message` is for whoever uploads or reads a file, `str` of it for
    whoever runs the server."""

    def __init__(self, reason: str) -> None:
        super().__init__("The server cannot reach its files just now. Try again.", retry_in=5.0)
        self.args = (reason,)


class Bucket:
    """One place in a bucket, at an address such as s3://chatbox/uploads. Threads may share it.

    All of it raises BucketAway. Making one raises DataFolderError."""

    def __init__(self, address: str, settings: S3) -> None:
        parts = urlsplit(address)
        self.bucket = parts.netloc
        self._prefix = parts.path.strip("/") + "/" if parts.path.strip("/") else ""
        try:
            self._client = _client(settings)
        except (boto.BotoCoreError, ValueError) as error:
            raise DataFolderError(f"The settings in [s3] are not right: {error}") from error
        host = urlsplit(self._client.meta.endpoint_url).netloc.rpartition("@")[2]
        self.name = f"the bucket {address.removeprefix('s3://')} at {host}"
        self._rests_until = 0.0
        self._away = ""  # why it does not answer; empty where it does
        self._refusal = ""  # the latest that was told

    # -- what is done with it ------------------------------------------------------------------------------

    def put(self, key: str, content: bytes, *, only_new: bool = False) -> bool:
        """Write something short; where `only_new`, not over what is there. Gives whether it was written."""
        condition = {"IfNoneMatch": "*"} if only_new else {}
        try:
            self._ask(lambda: self._client.put_object(Body=content, **self._at(key), **condition))
        except boto.ClientError as error:
            if only_new and _code(error) == "NotImplemented":  # by storages that know no conditions
                return self.put(key, content)
            if only_new and _code(error) in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise self._refused(error) from error
        return True

    def put_file(self, key: str, path: Path) -> None:
        """Write a file of this computer: when this returns it is durable, and everybody sees it. The storage
        has compared what came with its checksum. Raises StorageFull as well."""
        config = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART)

        def send() -> None:
            with TransferManager(self._client, config, executor_cls=NonThreadedExecutor) as manager:
                manager.upload(str(path), self.bucket, self._prefix + key).result()

        with self._told():
            self._ask(send)

    def get(self, key: str, start: int, most: int) -> tuple[bytes, int]:
        """At most so many bytes from this one on, and how many there are in all. Raises FileNotFoundError."""
        wanted = f"bytes={start}-{start + most - 1}"

        def receive(*, again: bool = True) -> tuple[bytes, int]:
            answer = self._client.get_object(Range=wanted, **self._at(key))
            found = re.fullmatch(r"bytes ([0-9]+)-[0-9]+/([0-9]+)", answer.get("ContentRange", ""))
            with closing(answer["Body"]) as body:
                if int(found[1] if found else 0) != start:
                    raise BucketAway(f"{_capital(self.name)} does not send files in parts.")
                try:
                    return body.read(most), int(found[2] if found else answer["ContentLength"])
                except _BROKEN:  # where botocore does not ask again by itself
                    if not again:
                        raise
            return receive(again=False)

        try:
            return self._ask(receive)
        except boto.ClientError as error:
            if _code(error) in ("InvalidRange", "416"):  # an empty file has no byte at all
                return b"", start
            if _code(error) in ("NoSuchKey", "404"):
                raise FileNotFoundError(errno.ENOENT, "it is not in the bucket", key) from error
            raise self._refused(error) from error

    def changed_at(self, key: str) -> float | None:
        """When a file was written last, in seconds since 1970; None where there is none."""
        try:
            found = self._ask(lambda: self._client.head_object(**self._at(key)))
        except boto.ClientError as error:
            if _code(error) == "404":
                return None
            raise self._refused(error) from error
        return float(found["LastModified"].timestamp())

    def delete(self, key: str) -> None:
        with self._told():
            self._ask(lambda: self._client.delete_object(**self._at(key)))

    def names(self, start: str = "") -> Iterator[str]:
        """All names that begin so."""
        page: dict[str, Any] = {}
        more = True
        while more:
            after = {"ContinuationToken": page["NextContinuationToken"]} if page else {}
            ask = partial(self._client.list_objects_v2, Bucket=self.bucket, Prefix=self._prefix + start)
            with self._told():
                page = self._ask(partial(ask, **after))
            yield from (found["Key"].removeprefix(self._prefix) for found in page.get("Contents", ()))
            more = page.get("IsTruncated", False)

    def try_out(self) -> None:
        """Do with a file of its own all that has to be done with uploads."""
        key = f"chatbox-trial-{secrets.token_hex(8)}.txt"
        self.put(key, b"Chatbox tries whether it can write here.\n")
        try:
            shown = list(self.names(key)) == [key] and self.get(key, 0, 1) != (b"", 0)
        except FileNotFoundError:
            shown = False
        finally:
            self.delete(key)
        if not shown:
            raise BucketAway(f"{_capital(self.name)} does not show what was written there. {_ENDPOINT}")

    # -- how it is asked -----------------------------------------------------------------------------------

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self._prefix + key}

    def _ask(self, work: Callable[[], T]) -> T:
        """Raises ClientError where the answer is a refusal."""
        if time.monotonic() < self._rests_until:
            raise BucketAway(self._away)
        try:
            answer = work()
        except (boto.BotoCoreError, ResponseParserError) as error:
            raise self._silent(self._reason(error)) from error
        except boto.ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) in (500, 502, 503, 504):
                raise self._silent(self._reason(error)) from error
            raise
        if self._away:
            self._away, self._rests_until = "", 0.0
            log.info("%s answers again", self.name)
        return answer

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except boto.ClientError as error:
            raise self._refused(error) from error

    def _silent(self, reason: str) -> BucketAway:
        """It did not answer: let it rest, and tell the log once."""
        if not self._away:
            log.error("%s", reason)
        self._away, self._rests_until = reason, time.monotonic() + _RESTS
        return BucketAway(reason)

    def _refused(self, error: boto.ClientError) -> Unavailable | StorageFull:
        if _code(error) in _FULL:
            return StorageFull("The server's storage is full. Nothing was stored.")
        reason = self._reason(error)
        if reason != self._refusal:
            log.error("%s", reason)
        self._refusal = reason
        return BucketAway(reason)

    def _reason(self, error: Exception) -> str:
        """What is wrong, and what to do; with nothing in it that came from the settings but names."""
        where = self.name
        match error:
            case boto.NoCredentialsError() | boto.PartialCredentialsError() | boto.CredentialRetrievalError():
                return f"There is no key for {where}. Set [s3] access_key and secret_key."
            case boto.SSLError():
                return (
                    f"{_capital(where)} has a certificate that this computer does not trust. Name the file "
                    "with the one of its authority in the variable AWS_CA_BUNDLE."
                )
            case ResponseParserError():
                return f"{_capital(where)} does not answer as S3 does. {_ENDPOINT}"
            case boto.ClientError():
                text = _REFUSALS.get(_code(error), f"{{Where}} refuses what is asked of it: {_code(error)}.")
                region = self._client.meta.region_name
                return text.format(where=where, Where=_capital(where), region=region)
        silent = isinstance(error, boto.ReadTimeoutError | boto.ConnectTimeoutError)
        how = "it does not answer in time" if silent else "there is no connection"
        return f"{_capital(where)} cannot be reached: {how}. Does it run? {_ENDPOINT}"


@cache
def _client(settings: S3) -> Any:
    session = get_session()
    return session.create_client(
        "s3",
        endpoint_url=settings.endpoint or None,
        region_name=settings.region or session.get_config_variable("region") or "us-east-1",
        aws_access_key_id=settings.access_key or None,
        aws_secret_access_key=settings.secret_key or None,
        config=Config(
            connect_timeout=_CONNECTS_WITHIN,
            read_timeout=_ANSWERS_WITHIN,
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            max_pool_connections=USERS,
            # What every storage checks is the SHA-256 of a body that Amazon's first protocol has; newer
            # checksums are unknown to many.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"payload_signing_enabled": True, "addressing_style": "path"},
        ),
    )


def _code(error: boto.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
