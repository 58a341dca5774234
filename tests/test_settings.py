"""The table of settings: defaults, ranges, and everything that is wrong said at once."""

from __future__ import annotations

import ipaddress

import pytest

from chatbox.settings import TABLE, Setting, Settings, value_of
from chatbox.settings_parser import Item, SettingsError, override, parse


def given(text: str, line: int | None = 1) -> Item:
    """An item of a file, written as on the command line."""
    item = override(text)
    return Item(item.section, item.key, item.value, "chatbox.ini", line)


def refusal(*items: Item) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(items)
    return str(caught.value)


def test_nothing_given_means_the_defaults() -> None:
    settings = parse([])
    assert settings == Settings()
    assert settings.server.host == ("0.0.0.0",)
    assert settings.server.port == 8642
    assert settings.limits.messages_per_second == 5
    assert settings.limits.messages_burst == 20
    assert settings.limits.frame_bytes == 65536
    assert settings.limits.text_bytes == 16384
    assert settings.limits.file_bytes == 26214400


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.section}.{row.key}")
def test_every_setting_is_documented_and_its_shown_default_reads_back(row: Setting) -> None:
    assert row.help.endswith(".")
    assert row.kind.allowed
    assert row.kind.read(row.shown_default) == row.default


@pytest.mark.parametrize(
    ("text", "size"),
    [("65536", 65536), ("64 KiB", 65536), ("64kib", 65536), ("1 MB", 2**20), ("2000 B", 2000), ("0", 0)],
)
def test_sizes_are_bytes_or_carry_a_suffix(text: str, size: int) -> None:
    assert parse([given(f"limits.frame_bytes={text}")]).limits.frame_bytes == size


@pytest.mark.parametrize(
    "key",
    [
        "messages_per_second",
        "messages_burst",
        "frame_bytes",
        "text_bytes",
        "connections_per_user",
        "connections_per_address",
    ],
)
def test_zero_lifts_a_limit(key: str) -> None:
    assert getattr(parse([given(f"limits.{key}=0")]).limits, key) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::", ("::",)),
        ("[::1]", ("::1",)),
        ("127.0.0.1, ::1", ("127.0.0.1", "::1")),
        ("localhost", ("localhost",)),
        ("127.0.0.1,127.0.0.1", ("127.0.0.1",)),
    ],
)
def test_the_host_is_a_list_of_addresses(text: str, expected: tuple[str, ...]) -> None:
    assert parse([given(f"server.host={text}")]).server.host == expected


def test_host_names_and_proxies_are_checked_and_normalised() -> None:
    settings = parse(
        [given("server.hosts=Chat.Example.org., box"), given("server.trusted_proxies=10.0.0.7/8")]
    )
    assert settings.server.hosts == ("chat.example.org", "box")
    assert settings.server.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"),)


REFUSED = {  # what is given, and what is said of it
    "server.host=": "must not be empty: addresses of this machine",
    "server.host=1.2.3": 'must be addresses of this machine, not "1.2.3".',
    "server.hosts=http://box": "must be plain host names, without http:// and port,",
    "server.hosts=box:80": "must be plain host names, without http:// and port,",
    "server.hosts=-box": "must be plain host names, without http:// and port,",
    "server.port=65536": "must be 0 to 65535,",
    "server.port=-1": "must be 0 to 65535,",
    "server.port=80.5": "must be a whole number, 0 to 65535,",
    "server.port=٨": "must be a whole number, 0 to 65535,",
    "server.open_browser=maybe": "must be true or false,",
    "server.trusted_proxies=10.0.0.0/99": "must be address ranges like 10.0.0.0/8,",
    "server.name=a\x1b[31mb": 'must be one line of at most 80 visible characters, not "a\x1b[31mb".',
    "limits.frame_bytes=1023": "must be 1 KB to 16 MB, or 0 for no limit,",
    "limits.text_bytes=99 GB": "must be 1 byte to 16 MB, or 0 for no limit,",
    "limits.frame_bytes=64 XB": "must be a number of bytes such as 65536, 64 KB or 25 MB,",
    "limits.queue=0": "must be 10 to 1000000,",
    "limits.file_bytes=0": "must be 1 KB to 100 GB,",
    "people.session_days=0": "must be 1 to 3650 days,",
    "storage.database=chatbox.sqlite3": "must be an address such as postgresql://",
    "storage.database=postgresql://host": "must be an address such as postgresql://",
    "storage.database=mysql://host/name": "must be an address such as postgresql://",
    "storage.uploads=s3:chatbox": "must be a folder, or a bucket such as s3://chatbox/uploads",
    "storage.uploads=S3://chatbox": "must be a folder, or a bucket such as s3://chatbox/uploads",
    "storage.uploads=s3://No_Bucket/uploads": "must be a folder, or a bucket such as s3://chatbox/uploads",
    "storage.uploads=s3://chatbox/a/../b": "must be a folder, or a bucket such as s3://chatbox/uploads",
    "s3.endpoint=s3.example.org": "must be an address such as https://s3.example.org",
    "s3.endpoint=https://s3.example.org/path": "must be an address such as https://s3.example.org",
    "s3.secret_key=hidden": "must be one line of at least 8 characters",
    "cluster.redis=10.0.0.5:6379": "must be an address such as redis://10.0.0.5:6379",
    "cluster.redis=http://10.0.0.5:6379": "must be an address such as redis://10.0.0.5:6379",
    "cluster.redis=redis://:word@:6379": "must be an address such as redis://10.0.0.5:6379",
    "cluster.redis=redis://host:port": "must be an address such as redis://10.0.0.5:6379",
    "cluster.key=fifteen letters": "must be one line of at least 16 characters,",
    "tls.mode=on": "must be auto or off or required or files,",
    "log.level=loud": "must be info or debug or warning,",
}


@pytest.mark.parametrize("text", REFUSED)
def test_values_outside_of_what_is_allowed_are_refused(text: str) -> None:
    section, _, key = text.partition("=")[0].partition(".")
    assert f"chatbox.ini, line 1: [{section}] {key} {REFUSED[text]}" in refusal(given(text))


def test_a_value_out_of_range_is_answered_with_the_range() -> None:
    assert refusal(given("server.port=70000")) == (
        'chatbox.ini, line 1: [server] port must be 0 to 65535, not "70000".'
    )


KEY = "sixteen letters or more"
POSTGRES = "storage.database=postgresql://host/name"


def test_a_secret_is_shown_to_nobody() -> None:
    url = "rediss://:hunter22@redis.example.org:6380/1?ssl_ca_certs=/etc/ca.pem"
    settings = parse([given(f"cluster.redis={url}"), given(f"cluster.key={KEY}"), given(POSTGRES)])
    assert (settings.cluster.redis, settings.cluster.key) == (url, KEY)
    shown = {row.name: row.kind.show(value_of(settings, row)) for row in TABLE if row.section == "cluster"}
    assert shown == {
        "cluster.redis": "rediss://:***@redis.example.org:6380/1?ssl_ca_certs=/etc/ca.pem",
        "cluster.key": "***",
    }
    for wrong in (
        "redis://:hunter22@host:port",
        "hunter22@host",
        "redis:hunter22@host",
        "http://a/?password=hunter22",
    ):
        assert "hunter22" not in refusal(given(f"cluster.redis={wrong}"))
    assert "hunter22" not in refusal(given("cluster.key=hunter22"))


def test_a_cluster_needs_its_key() -> None:
    redis = given("cluster.redis=redis://localhost")
    assert refusal(redis, given(POSTGRES)) == (
        "chatbox.ini, line 1: [cluster] redis needs [cluster] key, which is the same on every node."
    )
    assert "SQLite is for one node alone" in refusal(redis, given(f"cluster.key={KEY}"))
    assert parse([given("cluster.redis="), given("tls.mode=auto")]).cluster.redis == ""


def test_a_bucket_needs_a_database_for_several_and_a_whole_key() -> None:
    uploads, secret = given("storage.uploads=s3://chatbox/uploads/"), given("s3.secret_key=hunter22 hunter22")
    assert "uploads in a bucket need [storage] database" in refusal(uploads)
    for half in ("s3.access_key=KEY", "s3.secret_key=hunter22 hunter22"):
        told = refusal(given(half))
        assert "[s3] access_key and [s3] secret_key belong together." in told
        assert "hunter22" not in told
    settings = parse([uploads, secret, given("s3.access_key=KEY"), given(POSTGRES)])
    assert settings.storage.uploads == "s3://chatbox/uploads"
    assert settings.storage.in_bucket
    shown = {row.name: row.kind.show(value_of(settings, row)) for row in TABLE if row.section == "s3"}
    assert shown["s3.secret_key"] == "***"
    assert not parse([given("storage.uploads=/srv/s3")]).storage.in_bucket


def test_a_misspelt_key_section_and_word_get_a_suggestion() -> None:
    assert 'Did you mean "port"?' in refusal(given("server.prot=1"))
    assert 'Did you mean "limits"?' in refusal(Item("limit", "", "", "chatbox.ini", 3))
    assert 'did you mean "debug"?' in refusal(given("log.level=debgu"))
    assert "It belongs in [limits]." in refusal(given("server.text_bytes=1"))


def test_an_unknown_section_is_reported_once_however_much_stands_in_it() -> None:
    header = Item("clock", "", "", "chatbox.ini", 3)
    assert refusal(header, given("clock.zone=x", 4), given("clock.key=y", 5)).count("\n") == 0


def test_a_setting_given_twice_names_both_lines() -> None:
    text = refusal(given("server.port=1", 2), given("server.port=2", 9))
    assert text == "chatbox.ini, line 9: [server] port stands here and in line 2. Remove one of them."


def test_a_comment_behind_a_value_is_explained() -> None:
    assert "A comment needs a line of its own." in refusal(given("server.port=80 # web"))


def test_the_command_line_is_stronger_than_the_file_and_its_last_word_counts() -> None:
    settings = parse([given("server.port=1")], [override("server.port=2"), override("Server.Port = 3")])
    assert settings.server.port == 3


def test_problems_of_the_command_line_name_the_option_and_come_after_those_of_the_file() -> None:
    with pytest.raises(SettingsError) as caught:
        parse([given("server.port=x", 7)], [override("server.prt=1"), override("tsl.mode=off")])
    assert [problem.line for problem in caught.value.problems] == [7, None, None]
    assert str(caught.value.problems[1]).startswith("--set: [server] has no setting")
    assert caught.value.problems[2].did_you_mean == "tls"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["server", "server.port", "port=1", ".port=1", "a.b.c=1", ""])
def test_an_override_that_is_not_section_key_value_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"expected SECTION\.KEY=VALUE"):
        override(text)
