"""Files that the real tools wrote: pytest-benchmark's now, the others' once (files/README.md)."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import from_json, to_json

FILES = Path(__file__).parent / "files"

_SUITE = """
import pytest


class Odd:
    pass


@pytest.mark.parametrize("n", [Odd(), 3], ids=["odd", "3"])
def test_sum(benchmark, n):
    benchmark.extra_info["limit"] = float("nan")
    benchmark.pedantic(lambda: sum(range(100)), rounds=7, iterations=3)


@pytest.mark.benchmark(group="sorts")
class TestSort:
    def test_sorted(self, benchmark):
        benchmark.pedantic(sorted, args=([3, 1, 2],), rounds=4)


def test_broken(benchmark):
    benchmark(lambda: 1 / 0)
"""

Edit = Callable[[Any], None]
Edited = Callable[[Path, Edit], Path]


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where pytest-benchmark has run: `out.json` and a saved file without samples in
    `summaries`, a saved file with samples in `samples`."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_small.py").write_text(_SUITE)
    _benchmark(folder, "--benchmark-autosave", "--benchmark-storage=summaries")
    _benchmark(folder, "--benchmark-save=x", "--benchmark-save-data", "--benchmark-storage=samples")
    return folder


def _benchmark(folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."]
    done = subprocess.run(
        [*command, "--benchmark-json=out.json", *options, "test_small.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    """Writes a copy of a file, after a change to what it holds."""

    def write(path: Path, edit: Edit) -> Path:
        content = from_json(path.read_bytes())
        edit(content)
        copy = tmp_path / path.name
        copy.write_bytes(to_json(content, inf_nan_mode="constants"))
        return copy

    return write
