"""Fixtures of the host side's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.store.writer import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that does not exist yet."""
    return f"sqlite:///{tmp_path}/results.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """The writer of the database at `url`."""
    with Store(url) as opened:
        yield opened
