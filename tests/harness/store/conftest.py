"""Databases that others are taken from."""

from pathlib import Path

import pytest

from harness.store.writer import Store
from tests.harness.history import add_run
from tests.harness.samples import A, B
from tests.harness.store.nights import add_night, pin


@pytest.fixture
def source(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/source.db"


@pytest.fixture
def nights(source: str) -> str:
    """Two nights of one anchor, the second a bridge to another; an anchor of no night."""
    with Store(source) as store:
        add_run(store, {A: [1.0]})
        first = pin(store, "first", None)
        pairings = [add_night(store, first) for _ in range(2)]
        second = pin(store, "second", pairings[1])
        add_night(store, second)
        pin(store, "third", None)
        add_run(store, {B: [2.0, 2.5]}, failures=[(B, "raised", "boom")], skips=[(A, "too large")])
    return source
