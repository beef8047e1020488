"""Fixtures of the host side's tests."""

from collections.abc import Iterator

import pytest

from harness.store.writer import Store


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """The writer of the database at `url`."""
    with Store(url) as opened:
        yield opened
