"""Fixtures of the host side's tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.store.writer import Store
from tests.benchmarks.years import fill
from tests.browser import axe, chromium, launched
from tests.harness.asked import YEARS
from tests.harness.called import Jaxrig, called
from tests.harness.report.site import filled as of_everything
from tests.need import need

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with something for every page of a report."""
    url = f"sqlite:///{tmp_path_factory.mktemp('filled')}/results.db"
    with Store(url) as store:
        of_everything.fill(store)
    return url


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium. In CI a missing one is a failure, elsewhere a skip."""
    found = chromium()
    need(found, "Chromium; on Debian: apt-get install chromium")
    assert found is not None
    with launched(found) as browser:
        yield browser


@pytest.fixture(scope="session")
def axe_core() -> Path:
    """The script that looks for what keeps people out."""
    found = axe()
    need(found, "axe-core; tests/browser.sh fetches it")
    assert found is not None
    return found
