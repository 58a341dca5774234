"""Makes Chatbox.app of the folder that PyInstaller builds: `python -m installers.macos_app FOLDER APP`.

A folder, because macOS looks at each file that a one-file executable unpacks, which takes up to a minute at
every start. A double click opens a window of Terminal, as on the other systems: Chatbox runs as long as that
is open, and says there what to do.
"""

from __future__ import annotations

import plistlib
import shutil
import sys
from pathlib import Path

from chatbox.version import VERSION

START = """\
#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd)
exec /usr/bin/open -a Terminal "$here/Resources/chatbox/chatbox"
"""


def info() -> dict[str, object]:
    """The keys of Info.plist. Without the two about the network macOS denies it without a word."""
    return {
        "CFBundleDevelopmentRegion": "en",
        "CFBundleDisplayName": "Chatbox",
        "CFBundleExecutable": "start",
        "CFBundleIdentifier": "local.chatbox",
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": "Chatbox",
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": VERSION,
        "CFBundleVersion": VERSION.partition("-")[0],
        "LSMinimumSystemVersion": "11.0",
        "LSUIElement": True,  # it has no window of its own
        "NSBonjourServices": ["_http._tcp"],
        "NSLocalNetworkUsageDescription": "Chatbox lets people on your network open the chat.",
    }


def make(folder: Path, app: Path) -> None:
    """Write the app anew. `folder` has the program `chatbox` and what it needs."""
    if app.exists():
        shutil.rmtree(app)
    program = app / "Contents/MacOS"
    program.mkdir(parents=True)
    shutil.copytree(folder, app / "Contents/Resources/chatbox", symlinks=True)
    (app / "Contents/Info.plist").write_bytes(plistlib.dumps(info()))
    start = program / "start"
    start.write_text(START)
    start.chmod(0o755)


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
