"""Where the server says that it is reached."""

from __future__ import annotations

import pytest

from chatbox import reach
from chatbox.reach import Reach
from chatbox.settings import Settings
from chatbox.settings_parser import SettingsError, override, parse
from chatbox.tls import Certificates

WIFI = ("wlan0", "192.168.1.20")
DOCKER = ("docker0", "172.17.0.1")
SIX = ("wlan0", "fd00::5")


class Machine:
    """This computer, with interfaces as a test wants them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.interfaces = [("lo", "127.0.0.1"), DOCKER, WIFI, SIX]
        monkeypatch.setattr(reach, "list_interfaces", self._list)
        monkeypatch.setattr(reach, "default_address", lambda: None)

    def _list(self, *, six: bool = False) -> list[tuple[str, str]]:
        return [pair for pair in self.interfaces if six or ":" not in pair[1]]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def reached(*settings: str, names: tuple[str, ...] = ()) -> Reach:
    certificates = Certificates()
    certificates.names = names
    return Reach(made("server.local_name=", *settings), 8642, certificates)


def made(*settings: str) -> Settings:
    return parse([], [override(each) for each in settings])


def test_each_address_is_told_with_what_it_is(machine: Machine) -> None:
    found = [(each.url, each.kind, each.adapter) for each in reached().own_addresses()]
    assert found == [
        ("http://192.168.1.20:8642", "wifi", "wlan0"),
        ("http://172.17.0.1:8642", "container", "docker0"),
    ]


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("10.1.2.3", "http://10.1.2.3:8642"),
        ("chat.example.org", "http://chat.example.org:8642"),
        ("https://chat.example.org", "https://chat.example.org"),
        ("http://chat.example.org:80/", "http://chat.example.org:80"),
        ("fd00::9", "http://[fd00::9]:8642"),
        ("https://[fd00::9]:444", "https://[fd00::9]:444"),
    ],
)
def test_the_address_in_the_settings_comes_first(machine: Machine, address: str, url: str) -> None:
    found = reached(f"server.address={address}", "server.hosts=chat.lan")
    assert [each.kind for each in found.own_addresses()][:2] == ["chosen", "name"]
    assert found.urls()[:3] == [url, "http://chat.lan:8642", "http://192.168.1.20:8642"]


@pytest.mark.parametrize(
    "address",
    [
        *("192.168.1.20:8642", "ftp://chat.example.org", "https://", "https://chat.example.org/chat", "a b"),
        *("https://chat.example.org:99999", "https://chat.example.org?x=1", "999.1.1.1", "http://[::1"),
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match=r"\[server\] address must be "):
        made(f"server.address={address}")


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("", ("chat.lan",)),
        ("https://chat.example.org:444", ("chat.lan", "chat.example.org")),
        ("desk", ("chat.lan", "desk")),
    ],
)
def test_browsers_may_use_the_name_in_it(address: str, names: tuple[str, ...]) -> None:
    assert made(f"server.address={address}", "server.hosts=chat.lan").server.names == (
        *names,
        "chatbox.local",
    )


def test_the_same_address_is_told_once(machine: Machine) -> None:
    found = reached("server.address=192.168.1.20").own_addresses()
    assert [(each.url, each.kind) for each in found] == [
        ("http://192.168.1.20:8642", "chosen"),
        ("http://172.17.0.1:8642", "container"),
    ]


def test_one_that_is_listened_to_alone_is_told_alone(machine: Machine) -> None:
    assert reached("server.host=172.17.0.1").urls() == ["http://172.17.0.1:8642"]
    (own,) = reached("server.host=127.0.0.1").own_addresses()
    assert (own.url, own.kind) == ("http://127.0.0.1:8642", "loopback")


def test_the_name_on_the_network_comes_after_the_address_and_not_without_one(machine: Machine) -> None:
    named = reached("server.local_name=Attic.local")
    assert named.urls()[:2] == ["http://192.168.1.20:8642", "http://attic.local:8642"]
    named.names_lost(True)
    assert "http://attic.local:8642" not in named.urls()
    for alone in ("127.0.0.1", "172.17.0.1"):
        assert reached("server.local_name=attic", f"server.host={alone}").own_addresses()[-1].kind != "local"
    machine.interfaces = [DOCKER]
    assert reached("server.local_name=attic").urls() == ["http://172.17.0.1:8642"]


@pytest.mark.parametrize("name", ["chat box", "chat.box", "-chat", "chat_box", "x" * 51, "http://chat"])
def test_what_is_no_name_on_a_network_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"\[server\] local_name must be a word of letters"):
        made(f"server.local_name={name}")


def test_ipv6_is_told_where_it_is_listened_to(machine: Machine) -> None:
    assert "http://[fd00::5]:8642" in reached("server.host=::").urls()
    assert reached("server.host=::").local_url == "http://[::1]:8642"


def test_a_machine_without_a_network_tells_itself(machine: Machine) -> None:
    machine.interfaces = [("lo", "127.0.0.1")]
    (own,) = reached().own_addresses()
    assert own.kind == "loopback"


def test_another_look_tells_whether_anything_changed(machine: Machine) -> None:
    found = reached()
    assert not found.look()
    machine.interfaces = [("wlan0", "192.168.1.77")]
    assert found.look()
    assert found.urls() == ["http://192.168.1.77:8642"]


def test_https_is_told_where_it_works_without_further_ado(machine: Machine) -> None:
    found = reached("server.hosts=chat.example.org", names=("*.example.org",))
    assert found.urls()[:2] == ["https://chat.example.org:8642", "http://192.168.1.20:8642"]
    required = reached("tls.mode=required")
    assert (required.urls()[0], required.local_url) == (
        "https://192.168.1.20:8642",
        "https://127.0.0.1:8642",
    )
