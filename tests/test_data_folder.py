"""Which folder is taken, which are refused, and that only one process has it."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from chatbox import data_folder
from chatbox.data_folder import DATABASE_FILE, DataFolder, Wishes, choose, create, remember
from chatbox.errors import DataFolderError
from chatbox.folder_lock import CONTROL_FILE, RUNNING_FILE, FolderInUse, FolderLock
from chatbox.rules import places

posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX paths and modes")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, so that nothing of this machine's user is read or written."""
    folder = (tmp_path / "home").resolve()
    folder.mkdir()
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "OneDrive"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(folder))
    return folder


@pytest.fixture
def home_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder outside of the temporary ones."""
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))


def with_database(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / DATABASE_FILE).touch()
    return path


def test_the_option_wins_over_the_variable_the_setting_and_the_folder_beside_the_program(home: Path) -> None:
    (home / "chatbox-data").mkdir()
    option, variable, setting = str(home / "a"), str(home / "b"), home / "c"
    by_strength = [
        Wishes(option, variable, setting, home),
        Wishes("", variable, setting, home),
        Wishes("", "", setting, home),
        Wishes("", "", None, home),
    ]
    assert [choose(wishes).path.name for wishes in by_strength] == ["a", "b", "c", "chatbox-data"]


def test_without_a_wish_the_users_data_folder_is_taken_and_named(home: Path) -> None:
    folder = choose(Wishes(program=home))
    assert folder.path.is_relative_to(home)
    assert str(folder.path) in folder.sentence
    assert not folder.path.exists()


def test_a_start_that_would_begin_a_new_folder_takes_the_last_one_and_says_so(home: Path) -> None:
    last = with_database(home / "last")
    remember(choose(Wishes(str(last))))
    folder = choose(Wishes())
    assert folder.path == last
    assert "used last" in folder.sentence
    assert "--data" in folder.sentence


def test_the_last_folder_is_not_taken_where_the_usual_one_holds_a_database(home: Path) -> None:
    usual = with_database(choose(Wishes()).path)
    remember(choose(Wishes(str(with_database(home / "last")))))
    assert choose(Wishes()).path == usual


def test_the_last_folder_is_not_taken_once_its_database_is_gone(home: Path) -> None:
    last = with_database(home / "last")
    remember(choose(Wishes(str(last))))
    (last / DATABASE_FILE).unlink()
    assert choose(Wishes()).path != last


def test_a_named_temporary_folder_is_taken_with_a_warning_and_not_remembered(
    tmp_path: Path, home_elsewhere: None
) -> None:
    folder = choose(Wishes(str(with_database(tmp_path / "trial"))))
    assert "temporary" in folder.warning
    remember(folder)
    assert data_folder.remembered() is None


def test_a_temporary_folder_is_never_chosen_unasked(home_elsewhere: None) -> None:
    with pytest.raises(DataFolderError, match="temporary"):
        choose(Wishes())


def test_in_a_temporary_home_nothing_counts_as_temporary(home: Path) -> None:
    assert choose(Wishes(str(home / "a"))).warning == ""
    assert choose(Wishes()).warning == ""


@posix_only
def test_without_a_home_folder_the_person_is_asked_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(DataFolderError, match="--data"):
        choose(Wishes())


@pytest.mark.parametrize(
    "name", ["OneDrive - Example", "Dropbox", "Google Drive", "Nextcloud", "iCloudDrive"]
)
def test_cloud_synced_folders_are_refused_even_when_named(home: Path, name: str) -> None:
    with pytest.raises(DataFolderError, match="kept in step by") as caught:
        choose(Wishes(str(home / name / "chat")))
    assert caught.value.exit_code == 4


def test_a_folder_below_a_sync_clients_mark_is_refused(home: Path) -> None:
    (home / "work" / ".stfolder").mkdir(parents=True)
    with pytest.raises(DataFolderError, match="Syncthing"):
        choose(Wishes(str(home / "work" / "deep" / "chat")))


def test_the_folder_that_onedrive_names_in_the_environment_is_refused(home: Path) -> None:
    environment = {"OneDrive": str(home / "Ada")}
    assert "OneDrive" in (data_folder.refusal(home / "Ada" / "chat", environment) or "")
    assert data_folder.refusal(home / "Adam", environment) is None


MOUNTS = places.parse_proc_mounts(
    "/dev/vda / ext4 rw 0 0\n"
    "host:/x /srv nfs4 rw 0 0\n"
    "/dev/vdb /srv/local\\040disk ext4 rw 0 0\n"
    "a: /home/ada/far fuse.sshfs rw 0 0\n"
    "C: /mnt/c 9p rw 0 0\n"
    "/dev/sdb /media/stick fuseblk rw 0 0\n"
    "auto /auto autofs rw 0 0\n"
    "host:/y /auto cifs rw 0 0\n"
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/chat", "nfs4"),
        ("/srv/local disk/chat", None),
        ("/srvx", None),
        ("/home/ada/far", "fuse.sshfs"),
        ("/home/ada", None),
        ("/mnt/c/Users", "9p"),
        ("/media/stick", None),
        ("/auto/x", "cifs"),
    ],
)
def test_network_file_systems_are_known_by_the_closest_mount(path: str, kind: str | None) -> None:
    assert places.network_type(PurePosixPath(path), MOUNTS) == kind


def test_the_mounts_of_macos_are_understood() -> None:
    mounts = places.parse_mount_command(
        "/dev/disk3s1s1 on / (apfs, sealed, local)\n//ada@nas/share on /Volumes/the share (smbfs, nodev)\n"
    )
    assert places.network_type(PurePosixPath("/Volumes/the share/chat"), mounts) == "smbfs"
    assert places.network_type(PurePosixPath("/Users/ada"), mounts) is None


def test_a_folder_on_a_network_file_system_is_refused_with_the_reason(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_folder, "_network_type", lambda path: "nfs4")
    with pytest.raises(DataFolderError, match=re.escape("network file system (nfs4)")):
        choose(Wishes(str(home / "chat")))


@posix_only
def test_the_folder_is_made_for_its_owner_only(home: Path) -> None:
    folder = choose(Wishes(str(home / "deep" / "chat")))
    create(folder)
    create(folder)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_file_is_no_data_folder(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(DataFolderError, match="is a file"):
        choose(Wishes(str(home / "file")))
    with pytest.raises(DataFolderError, match="cannot be made"):
        create(DataFolder(home / "file" / "below", ""))


def test_a_folder_is_held_once_and_free_after_its_release(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    with pytest.raises(FolderInUse) as caught:
        second.acquire()
    assert caught.value.running is None
    first.release()
    first.release()
    with second:
        pass


@posix_only
def test_the_holders_address_is_told_and_for_the_owner_only(tmp_path: Path) -> None:
    with FolderLock(tmp_path) as lock:
        lock.publish("http://127.0.0.1:8642")
        assert stat.S_IMODE((tmp_path / RUNNING_FILE).stat().st_mode) == 0o600
        with pytest.raises(FolderInUse, match=r"http://127\.0\.0\.1:8642"):
            FolderLock(tmp_path).acquire()
    assert not (tmp_path / RUNNING_FILE).exists()


HOLDER = """
import sys
from pathlib import Path
from chatbox.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.acquire()
lock.publish("http://127.0.0.1:1")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_killed_holder_leaves_the_folder_free_and_its_traces_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(FolderInUse) as caught:
            FolderLock(tmp_path).acquire()
        assert caught.value.running is not None
        assert caught.value.running.pid == holder.pid
        holder.kill()
        holder.wait()
    (tmp_path / CONTROL_FILE).touch()
    with FolderLock(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["chatbox.lock"]
