"""Debian 13's Docker (26.1), fetched into a folder and started from there."""

import json
import os
import shutil
import subprocess

from tests.engine_beside import EngineBeside
from tests.need import need


class NewerDocker(EngineBeside):
    """It keeps images in containerd's store, as Docker does from 29 on."""

    def __init__(self) -> None:
        need(
            os.geteuid() == 0 and shutil.which("mmdebstrap"),
            "root, and mmdebstrap to fetch Debian 13's Docker (apt-get install mmdebstrap)",
        )
        super().__init__("docker")
        self._tree = self.folder / "tree"
        self._config = self.folder / "daemon.json"

    def command(self) -> tuple[str, ...]:
        """In a namespace of mounts where its programs are those in /usr."""
        words = (
            *("dockerd", "--config-file", str(self._config), "--host", self.host),
            *("--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec")),
            *("--pidfile", str(self.folder / "pid"), "--bridge=none"),
            *("--iptables=false", "--ip6tables=false"),
        )
        program = f'mount --bind {self._tree}/usr /usr && exec "$@"'
        return ("unshare", "--mount", "bash", "-c", program, "bash", *words)

    def prepare(self) -> None:
        self._config.write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
        mirror = os.environ.get("JAXRIG_DEBIAN_MIRROR")
        done = subprocess.run(
            (
                *("mmdebstrap", "--quiet", "--variant=extract"),
                *("--include=docker.io,containerd,runc", "trixie", str(self._tree)),
                *((mirror,) if mirror else ()),
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        need(done.returncode == 0, f"Debian 13's packages of Docker: {done.stderr}")
