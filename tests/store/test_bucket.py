"""What goes wrong with a bucket is told in words that help, gives no secret away, and is over when it is."""

from __future__ import annotations

import logging
import random
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ResponseStreamingError  # type: ignore[import-untyped]
from msgspec import structs

from chatbox.errors import ChatboxError, DataFolderError
from chatbox.settings import S3
from chatbox.store import bucket as module
from chatbox.store.bucket import Bucket, BucketAway
from chatbox.store.bucket_blobs import BucketBlobs
from tests.harness.s3 import BUCKET, SECRET, Storage, storage_in

ADDRESS = f"s3://{BUCKET}/uploads"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with storage_in(tmp_path_factory.mktemp("s3")) as running:
        yield running


def refusal(folder: Path, settings: S3, address: str = ADDRESS) -> str:
    """Why no node can serve with these settings."""
    with pytest.raises(DataFolderError) as caught:
        BucketBlobs(folder, Bucket(address, settings)).mark("0123")
    return str(caught.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class WebServer:
    """Something that answers everything as the test says, and is no storage."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""
        owner = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # by which it bids who asks first to go on

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(owner.status)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(owner.body)))
                self.end_headers()
                self.wfile.write(owner.body)

            do_PUT = do_GET = do_DELETE = _answer

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)

    @property
    def settings(self) -> S3:
        port = self.server.server_port
        return S3(endpoint=f"http://127.0.0.1:{port}", access_key="key", secret_key=SECRET)


@pytest.fixture(scope="module")
def web_server() -> Iterator[WebServer]:
    made = WebServer()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()


def test_each_wrong_setting_is_told_with_what_to_do(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    right = storage.settings
    told = [
        refusal(tmp_path, structs.replace(right, secret_key=f"{SECRET}0")),
        refusal(tmp_path, structs.replace(right, access_key="nobody")),
        refusal(tmp_path, right, "s3://nothing-here"),
        refusal(tmp_path, structs.replace(right, endpoint=f"http://127.0.0.1:{free_port()}")),
        refusal(tmp_path, structs.replace(right, endpoint=right.endpoint.replace("http:", "https:"))),
    ]
    name = f"bucket {BUCKET}/uploads at 127.0.0.1:"
    for text, (place, advice) in zip(
        told,
        [
            (name, "is wrong. Set [s3] secret_key as it came with the key."),
            (name, "does not know the key. Set [s3] access_key as the storage has given it."),
            ("The bucket nothing-here at", "Make it, or name another one in [storage] uploads."),
            (name, "cannot be reached: there is no connection. Does it run? Is [s3] endpoint right?"),
            (name, "that this computer does not trust."),
        ],
        strict=True,
    ):
        assert place in text
        assert advice in text
    assert SECRET not in "\n".join([*told, caplog.text])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "Set [s3] access_key and secret_key." in refusal(tmp_path, S3(endpoint=right.endpoint))


def test_a_key_in_the_environment_will_do(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", storage.settings.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    Bucket(ADDRESS, S3(endpoint=storage.settings.endpoint, region="eu-west-1")).try_out()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (403, error("AccessDenied"), "Allow it to read, write, delete and list there."),
        (403, error("RequestTimeTooSkewed"), "The clocks of the bucket"),
        (400, error("AuthorizationHeaderMalformed"), "Set [s3] region to that one."),
        (400, error("MalformedXML"), "refuses what is asked of it: MalformedXML."),
        (200, b"<html>Welcome!</html>", "does not show what was written there. Is [s3] endpoint right?"),
        (404, b"<html>Nothing here.<br></html>", "does not answer as S3 does. Is [s3] endpoint right?"),
    ],
)
def test_what_answers_otherwise_is_told(
    web_server: WebServer, tmp_path: Path, status: int, body: bytes, told: str
) -> None:
    web_server.status, web_server.body = status, body
    assert told in refusal(tmp_path, web_server.settings)


def test_a_storage_that_is_full_is_told_as_a_full_disk(web_server: WebServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    web_server.status, web_server.body = 409, error("QuotaExceeded")
    with pytest.raises(ChatboxError) as caught:
        Bucket(ADDRESS, web_server.settings).put_file("key", tmp_path / "file")
    assert caught.value.code == "storage_full"


def test_a_storage_that_ignores_ranges_is_refused_rather_than_believed(web_server: WebServer) -> None:
    web_server.status, web_server.body = 200, b"0123456789"
    bucket = Bucket(ADDRESS, web_server.settings)
    assert bucket.get("key", 0, 4) == (b"0123", 10)
    with pytest.raises(BucketAway, match="does not send files in parts"):
        bucket.get("key", 4, 4)


def test_a_large_file_goes_in_parts(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PART", 5 * 2**20)
    content = random.Random(1).randbytes(11 * 2**20)
    (tmp_path / "file").write_bytes(content)
    Bucket(ADDRESS, storage.settings).put_file("large", tmp_path / "file")
    assert (storage.folder / BUCKET / "uploads" / "large").read_bytes() == content


def test_who_asks_a_silent_storage_waits_a_while_and_all_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "_ANSWERS_WITHIN", 0.3)
    monkeypatch.setattr(module, "_RESTS", 0.5)
    with storage_in(tmp_path) as storage:
        bucket = Bucket(ADDRESS, storage.settings)
        bucket.put("key", b"content")
        storage.pause()
        with pytest.raises(BucketAway, match="does not answer in time") as caught:
            bucket.get("key", 0, 7)
        began = time.monotonic()
        with pytest.raises(BucketAway):
            bucket.get("key", 0, 7)
        assert time.monotonic() - began < 0.2
        assert (caught.value.message, caught.value.temporary) == (
            "The server cannot reach its files just now. Try again.",
            True,
        )
        storage.go_on()
        deadline = time.monotonic() + 30
        while True:
            try:
                assert bucket.get("key", 0, 7) == (b"content", 7)
                break
            except BucketAway:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    told = [record.getMessage() for record in caplog.records if record.name == "chatbox.bucket"]
    assert [text.partition("127.0.0.1")[2].partition(" ")[2][:15] for text in told] == [
        "cannot be reach",
        "answers again",
    ]


def test_a_long_list_comes_in_pages(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket(f"s3://{BUCKET}/pages", storage.settings)
    names = {f"{number:02}/name" for number in range(7)}
    for name in names:
        bucket.put(name, b"content")
    ask = partial(bucket._client.list_objects_v2, MaxKeys=3)
    monkeypatch.setattr(bucket._client, "list_objects_v2", ask)
    assert set(bucket.names()) == names


def test_what_breaks_off_in_the_middle_is_asked_for_again(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(ADDRESS, storage.settings)
    bucket.put("broken", b"content")
    ask = bucket._client.get_object
    asked: list[str] = []

    def get_object(**words: Any) -> Any:
        answer = ask(**words)
        if not asked:
            answer["Body"] = _Broken(answer["Body"])
        asked.append(words["Range"])
        return answer

    monkeypatch.setattr(bucket._client, "get_object", get_object)
    assert bucket.get("broken", 3, 2) == (b"te", 7)
    assert asked == ["bytes=3-4"] * 2


class _Broken:
    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, most: int) -> bytes:
        raise ResponseStreamingError(error="the connection was reset")

    def close(self) -> None:
        self._body.close()
