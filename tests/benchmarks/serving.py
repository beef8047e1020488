"""How long answers of `jaxrig serve` take while many ask, among years of results."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.load import CLIENTS
from tests.benchmarks.report import Figure
from tests.benchmarks.years import Years, fill
from tests.checkout import ROOT
from tests.command import Jaxrig

BOUND_S = 0.150


def figures(folder: Path) -> Iterator[Figure]:
    """Of the database of a million measurements that `queries` has made there, or else makes."""
    file = folder / "million.db"
    if not file.exists():
        fill(f"sqlite:///{file}", Years())
    with served(folder, f"sqlite:///{file}") as address:
        told = _loaded(address)
    yield Figure(
        bench=f"p95 of answers of jaxrig serve to {CLIENTS} clients, "
        f"{Years().measurements:,} measurements in SQLite",
        value=told["p95_s"],
        unit="s",
        bound=BOUND_S,
        detail=told,
    )


@contextmanager
def served(folder: Path, url: str) -> Iterator[str]:
    """The address of a server of its own."""
    process = Jaxrig(folder=folder).start("serve", "--port", "0", "--db", url)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"at (http://\S+)", line)
        assert found is not None, line + process.stderr.read()
        yield found[1]
    finally:
        process.terminate()
        process.communicate()


def _loaded(address: str) -> dict[str, Any]:
    """By clients in a process of their own."""
    words = [sys.executable, "-m", "tests.benchmarks.load", address]
    asked = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(asked.stdout)
    return told
