import pytest

from harness.store.writer import Store
from tests.harness.runner.bench import Bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, store: Store, url: str) -> Bench:
    return Bench(monkeypatch, store, url)
