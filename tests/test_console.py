"""What the person at the console reads."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from chatbox import cli, console
from chatbox.console import Announcer, Greeting
from chatbox.lan.qr import terminal_code
from chatbox.model import OwnAddress

LOCAL = "http://127.0.0.1:8642"
INI = Path("/home/ann/chatbox-data/chatbox.ini")
ADDRESSES = (
    OwnAddress("http://192.168.1.20:8642", "wifi", "wlan0"),
    OwnAddress("http://chatbox.local:8642", "local"),
    OwnAddress("http://10.0.0.7:8642", "cable", "eth0"),
    OwnAddress("http://10.8.0.3:8642", "vpn", "tun0"),
    OwnAddress("http://172.17.0.1:8642", "container", "docker0"),
    OwnAddress("http://10.9.0.1:8642", "other", "odd0"),
)
FIRST = Greeting(ADDRESSES, LOCAL, INI, code="7KQ4-M2XP")
LATER = Greeting(ADDRESSES, LOCAL, INI, name="Smith family", people=12)


class Terminal(io.TextIOWrapper):
    """A terminal with this encoding."""

    def __init__(self, encoding: str) -> None:
        self.written = io.BytesIO()
        super().__init__(self.written, encoding=encoding)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        self.flush()
        return self.written.getvalue().decode(self.encoding)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal("utf-8")


def use(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Have everything printed there, as the command line prepares it."""
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr("locale.getencoding", lambda: terminal.encoding)
    cli._make_bear_all(terminal)
    return terminal


def greeted(greeting: Greeting, capsys: pytest.CaptureFixture[str]) -> list[str]:
    Announcer().greet(greeting)
    return capsys.readouterr().out.splitlines()


def test_the_first_start_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert greeted(FIRST, capsys) == [
        f"  Settings file: {INI}",
        "",
        "  1. Finish the setup in a browser: name the server, make your account.",
        f"     Open  {LOCAL}",
        "     Setup code:  7KQ4-M2XP",
        "",
        "  2. Then let the others open this, on the same Wi-Fi or network:",
        "",
        "         http://192.168.1.20:8642   or   http://chatbox.local:8642",
        "",
        "  Other addresses of this computer: 10.0.0.7 (cable), 10.8.0.3 (VPN), 172.17.0.1 (containers), "
        "10.9.0.1 (odd0)",
        "  Ctrl+C stops Chatbox.",
        "",
    ]


def test_a_browser_that_was_opened_is_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    opened = Greeting(ADDRESSES, LOCAL, INI, code="7KQ4-M2XP", opened=True)
    lines = greeted(opened, capsys)
    assert (
        "  1. Finish the setup in the browser window that has just opened: name the server, make your"
        " account." in lines
    )
    assert f"     No window? Open  {LOCAL}" in lines


def test_a_later_start_says_where_everybody_goes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = greeted(LATER, capsys)
    assert lines[:6] == [
        '  "Smith family", 12 people',
        "",
        "  The others open    http://192.168.1.20:8642",
        "                     http://chatbox.local:8642",
        f"  On this computer   {LOCAL}",
        f"  Settings file      {INI}",
    ]


def test_what_the_start_decided_and_the_short_way_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    noted = Greeting(ADDRESSES, LOCAL, INI, code="7KQ4-M2XP", note="Port taken.", short="http://192.168.1.20")
    lines = greeted(noted, capsys)
    assert lines[0] == "  Port taken."
    assert "  Whoever types  http://192.168.1.20  is led there, too." in lines


def test_a_server_that_nobody_reaches_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    alone = (OwnAddress(LOCAL, "loopback"),)
    for greeting in (Greeting(alone, LOCAL, INI, code="x"), Greeting(alone, LOCAL, INI, name="x")):
        lines = greeted(greeting, capsys)
        assert any("Others cannot reach it" in line for line in lines)
        assert not any("2." in line for line in lines)


def test_a_new_code_is_told_after_the_greeting_and_not_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    announcer = Announcer()
    announcer.tell_code("AAAA-AAAA")
    assert not caplog.messages
    announcer.greet(FIRST)
    announcer.tell_code("BBBB-BBBB")
    assert caplog.messages == ["There were too many wrong tries. The new setup code: BBBB-BBBB"]


# -- what a terminal can show --------------------------------------------------------------------------------


def decoded(lines: list[str], *, dark: str) -> list[list[bool]]:
    """The modules of a code as a camera sees them; `dark` is how a dark pair of them is written."""
    halves = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
    rows: list[list[bool]] = []
    for line in lines:
        pairs = [halves[character] for character in line]
        rows += [[pair[half] == (dark == "█") for pair in pairs] for half in (0, 1)]
    return rows


@pytest.mark.parametrize("colour", [True, False])
def test_the_code_in_the_terminal_is_that_of_the_address(colour: bool) -> None:
    import segno

    url = "http://192.168.1.20:8642"
    lines = terminal_code(url, colour=colour)
    if colour:
        assert all(line.startswith("\x1b[30;107m") and line.endswith("\x1b[0m") for line in lines)
        lines = [line[9:-4] for line in lines]
    wanted = [
        [bool(module) for module in row]
        for row in segno.make(url, error="l", micro=False).matrix_iter(border=4)
    ]
    assert decoded(lines, dark="█" if colour else " ")[: len(wanted)] == wanted


def test_a_terminal_shows_the_code_of_the_address_after_the_setup(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(terminal, monkeypatch)
    Announcer().greet(LATER)
    assert "\n".join(f"  {line}" for line in terminal_code(ADDRESSES[0].url, colour=True)) in terminal.text


def test_without_colours_it_is_drawn_without(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    use(terminal, monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    Announcer().greet(LATER)
    assert "\x1b" not in terminal.text
    assert "█" in terminal.text


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
def test_a_terminal_that_has_no_blocks_gets_the_words_alone(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    poor = use(Terminal(encoding), monkeypatch)
    Announcer().greet(Greeting(ADDRESSES, LOCAL, INI, name="Žižkov 茶", people=1))
    assert "http://192.168.1.20:8642" in poor.text
    assert "\x1b" not in poor.text
    assert '", 1 person' in poor.text


def test_an_executable_that_always_writes_utf8_looks_at_what_the_system_says(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(terminal, monkeypatch)
    monkeypatch.setattr("locale.getencoding", lambda: "ISO-8859-1")
    Announcer().greet(LATER)
    assert "█" not in terminal.text


@pytest.mark.parametrize(("name", "value"), [("COLUMNS", "20"), ("TERM", "dumb")])
def test_a_terminal_that_is_too_narrow_or_dumb_gets_no_code(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    use(terminal, monkeypatch)
    monkeypatch.setenv(name, value)
    Announcer().greet(LATER)
    assert "█" not in terminal.text


def test_before_the_setup_and_in_a_file_there_is_no_code(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not any("█" in line for line in greeted(LATER, capsys))
    use(terminal, monkeypatch)
    Announcer().greet(FIRST)
    assert "█" not in terminal.text


def test_where_there_is_no_console_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (None, Closed()):
        monkeypatch.setattr(sys, "stdout", stream)
        Announcer().greet(LATER)
        console.tell_fingerprint("x", "AA:BB", "CC")


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError
