"""Fixtures of the host side's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.store.writer import Store
from tests import mounts
from tests.harness.called import Jaxrig, called
from tests.harness.tmpfs import Tmpfs
from tests.need import need


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


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Tmpfs]:
    """2 MiB. Needs the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        mounts.mount_tmpfs(folder, "size=2m")
    except OSError as error:
        need(False, f"the right to mount a tmpfs (root): {error}")
    yield Tmpfs(folder)
    mounts.unmount(folder)
