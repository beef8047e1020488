"""A report of `filled.py`'s database."""

from pathlib import Path

import pytest

from tests.harness.called import called


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, filled: str) -> Path:
    """The folder of its report."""
    folder = tmp_path_factory.mktemp("site") / "report"
    done = called("report", "--out", folder, "--db", filled)
    assert done.code == 0, done.err
    return folder
