"""Real Podmans of the tests' own, which answer as Docker does."""

import os
import signal
import subprocess

from tests.engine_beside import EngineBeside


class Podman(EngineBeside):
    """With runc and cgroupfs, which a root without systemd needs."""

    def __init__(self) -> None:
        super().__init__("podman")
        self._podman = (
            *("podman", "--root", str(self.folder / "root")),
            *("--runroot", str(self.folder / "run"), "--tmpdir", str(self.folder / "tmp")),
            *("--runtime", "runc", "--cgroup-manager", "cgroupfs"),
        )

    def command(self) -> tuple[str, ...]:
        return (*self._podman, "system", "service", "--time=0", self.host)

    def clean(self) -> None:
        # `system reset` would take networks along that are not in this folder.
        for words in (("rm", "--force", "--all"), ("rmi", "--force", "--all")):
            subprocess.run((*self._podman, *words), capture_output=True, check=True)
        layers = self.folder / "root" / "overlay"
        if layers.is_mount():
            subprocess.run(("umount", str(layers)), check=True)


class RootlessPodman(Podman):
    """Of a user who is nobody: it answers, and has no image."""

    user = 65534

    def clean(self) -> None:
        """Of containers there was none; what holds its namespace is left."""
        held = self.folder / "tmp" / "pause.pid"
        if held.exists():
            os.kill(int(held.read_text()), signal.SIGTERM)
