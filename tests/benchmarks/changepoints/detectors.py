"""Who looks for changes: jaxrig in this process, the peers in an environment of their own."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.stats.changepoints import levels
from tests.benchmarks.changepoints.series import Floats
from tests.checkout import ROOT

HERE = Path(__file__).parent
PINS = HERE / "peers.requirements.txt"

Find = Callable[[Sequence[Floats]], list[list[int]]]
"""Series → the first points after the changes of each."""


def jaxrig(series: Sequence[Floats]) -> list[list[int]]:
    return [[change.at for change in levels(values).changes] for values in series]


def detectors(state: Path) -> Mapping[str, Find]:
    """By name. The peers are installed where they are not yet."""
    python = _environment(state)
    return {"jaxrig": jaxrig, "Otava": _peer(python, "otava"), "asv": _peer(python, "asv")}


def _peer(python: Path, name: str) -> Find:
    def find(series: Sequence[Floats]) -> list[list[int]]:
        done = subprocess.run(
            [python, HERE / "peers_guest.py", name],
            input=json.dumps([values.tolist() for values in series]),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr
        found: list[list[int]] = json.loads(done.stdout)
        return found

    return find


def _environment(state: Path) -> Path:
    """Its Python."""
    folder = state / "peers"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists() or ready.read_text() != PINS.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = ("-m", "pip", "install", "-q", "--require-hashes", "-r", PINS)
        subprocess.run([python, *install], check=True, stdout=sys.stderr)
        ready.write_text(PINS.read_text())
    return python
