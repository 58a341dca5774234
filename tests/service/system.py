"""A computer with systemd, whose commands note what they are told."""

from __future__ import annotations

from pathlib import Path

COMMAND = """\
#!/bin/sh
echo "$(basename "$0") $*" >>"{log}"
case "$0 $*" in
*" show "*) cat "{folder}/state" 2>/dev/null || echo LoadState=not-found ;;
*{failing}*) echo "It cannot be done."; exit 1 ;;
esac
"""


class System:
    """A computer with systemd, on whose disk everything is below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unit = folder / ".config/systemd/user/chatbox.service"
        self.data = folder / "data"
        self._log = folder / "log"
        self.fail("nothing fails")

    def fail(self, words: str) -> None:
        """Commands that have these words fail."""
        for name in ("systemctl", "loginctl"):
            file = self.folder / "bin" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(COMMAND.format(log=self._log, folder=self.folder, failing=f'"{words}"'))
            file.chmod(0o755)

    def runs(self) -> None:
        (self.folder / "state").write_text("LoadState=loaded\nActiveState=active\n")

    @property
    def told(self) -> list[str]:
        return [line for line in self._log.read_text().splitlines() if " show " not in line]
