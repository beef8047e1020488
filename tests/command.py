"""The `jaxrig` command as its users run it: a process in a folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.checkout import ROOT


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


def imported(folder: Path, *words: str) -> set[str]:
    """Every module that a command imports, in a process of its own."""
    program = (
        "import sys\nfrom harness.cli import main\ncode = main()\n"
        "print('IMPORTED', *sys.modules, file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.partition("IMPORTED")[2].split())


@dataclass(frozen=True, kw_only=True)
class Jaxrig:
    """Runs `jaxrig` in `folder`, where its results.db and jaxrig.toml lie.

    `source`: a checkout to run instead of the installed one (its harness, containers,
    workloads and docker folders).
    """

    folder: Path
    source: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, timeout_s: float = 300) -> Outcome:
        done = subprocess.run(
            self._command(words),
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command, left running."""
        return subprocess.Popen(
            self._command(words),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *words: str) -> Any:
        """What a reading command says as JSON."""
        outcome = self(*words, "--format", "json")
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out)

    def configure(self, text: str) -> None:
        """Writes jaxrig.toml."""
        (self.folder / "jaxrig.toml").write_text(text)

    @staticmethod
    def _command(words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "harness.cli", *words]

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, **self.env}
        environment.pop("JAXRIG_DB", None)
        if self.source is not None:
            environment["PYTHONPATH"] = str(self.source)
        return environment
