"""Fixtures of the host side's tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.store.writer import Store
from tests.benchmarks.years import fill
from tests.harness.asked import YEARS
from tests.harness.called import Jaxrig, called


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """The writer of the database at `url`."""
    with Store(url) as opened:
        yield opened


@pytest.fixture
def jaxrig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jaxrig:
    """Calls a command in an empty folder, without JAXRIG_DB."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JAXRIG_DB", raising=False)
    return called


@pytest.fixture(scope="session")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that holds `YEARS`."""
    file = tmp_path_factory.mktemp("years") / "results.db"
    fill(f"sqlite:///{file}", YEARS)
    return file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, years: Path) -> Path:
    """Where results.db holds `YEARS`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JAXRIG_DB", raising=False)
    shutil.copy(years, tmp_path)
    return tmp_path
