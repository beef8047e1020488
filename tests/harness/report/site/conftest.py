"""A report of `filled.py`'s database, and a browser to look at it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.store.writer import Store
from tests.browser import axe, chromium, launched
from tests.harness.called import called
from tests.harness.report.site.filled import fill
from tests.need import need

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its URL."""
    url = f"sqlite:///{tmp_path_factory.mktemp('filled')}/results.db"
    with Store(url) as store:
        fill(store)
    return url


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, filled: str) -> Path:
    """The folder of its report."""
    folder = tmp_path_factory.mktemp("site") / "report"
    done = called("report", "--out", folder, "--db", filled)
    assert done.code == 0, done.err
    return folder


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
