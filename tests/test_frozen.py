import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatbox import frozen

# The child says that it is ready and then waits for the signal that its parent's end brings.
CHILD = """
import signal, sys
from chatbox.frozen import die_with_parent
sys._MEIPASS = sys.argv[1]
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
die_with_parent()
print("ready", flush=True)
signal.pause()
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process looks like the executable, unpacked into the folder returned."""
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    return tmp_path


def test_from_source_the_assets_lie_beside_the_package() -> None:
    assert frozen.unpacked_folder() is None
    assert (frozen.assets_folder() / "index.html").is_file()


def test_in_the_executable_the_assets_lie_where_it_was_unpacked(unpacked: Path) -> None:
    assert frozen.assets_folder() == unpacked / "assets"


def test_from_source_a_foreign_program_gets_the_environment_as_it_is() -> None:
    environment = {"LD_LIBRARY_PATH": "/opt/lib", "HOME": "/home/ada"}
    assert frozen.restore_library_path(environment) == environment


@pytest.mark.usefixtures("unpacked")
def test_in_the_executable_a_foreign_program_gets_back_the_users_library_path() -> None:
    environment = {"LD_LIBRARY_PATH": "/tmp/_MEI1", "LD_LIBRARY_PATH_ORIG": "/opt/lib", "HOME": "/home/ada"}
    assert frozen.restore_library_path(environment) == {"LD_LIBRARY_PATH": "/opt/lib", "HOME": "/home/ada"}


@pytest.mark.usefixtures("unpacked")
def test_in_the_executable_a_foreign_program_gets_no_library_path_where_the_user_has_none() -> None:
    assert frozen.restore_library_path({"LD_LIBRARY_PATH": "/tmp/_MEI1"}) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked to tell of a parent's end")
def test_the_end_of_the_parent_ends_the_child_and_removes_what_was_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "_MEI1"
    folder.mkdir()
    (folder / "library.so").touch()
    command = [sys.executable, "-c", PARENT, CHILD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
        assert parent.stdout.read() == b""  # ends when the child, who holds the other end too, has ended
    assert not folder.exists()


WATCHER = """
import time
from chatbox.frozen import Parent
parent = Parent()
print(parent.gone, flush=True)
while not parent.gone:
    time.sleep(0.01)
print("gone", flush=True)
"""


def test_elsewhere_the_end_of_the_parent_is_seen() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, WATCHER], stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"False\n"
        parent.kill()
        assert parent.stdout.read() == b"gone\n"


def test_from_source_and_on_linux_nobody_watches_the_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert frozen.parent_to_watch() is None
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "_MEI1"), raising=False)
    assert frozen.parent_to_watch() is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert frozen.parent_to_watch() is not None
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "_internal"), raising=False)
    assert frozen.parent_to_watch() is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked to tell of a parent's end")
def test_while_the_parent_lives_the_child_leaves_the_removal_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "_MEI1"
    folder.mkdir()
    child = CHILD.replace("signal.pause()", "")
    subprocess.run([sys.executable, "-c", child, str(folder)], check=True, env=ENVIRONMENT)
    assert folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked to tell of a parent's end")
def test_a_program_that_is_a_folder_outlives_who_started_it_and_keeps_its_files(tmp_path: Path) -> None:
    folder, done = tmp_path / "_internal", tmp_path / "done"
    folder.mkdir()
    child = CHILD.replace("signal.pause()", f"sys.stdin.read(); open({str(done)!r}, 'w')")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, child, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT,
    ) as parent:  # fmt: skip
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdin.close()
        assert parent.stdout.read() == b""  # ends when the child has ended
    assert done.exists()
    assert folder.exists()
