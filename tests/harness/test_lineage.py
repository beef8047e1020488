"""What lies between two revisions, of a project or of JAX."""

from collections.abc import Callable

import pytest

from harness import lineage as module
from harness.config import Settings
from harness.errors import UsageError
from harness.lineage import lineage
from harness.target import BUILT_IN_TARGETS

SETTINGS = Settings(targets=BUILT_IN_TARGETS)


@pytest.fixture(autouse=True)
def index(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip lists (`test_releases` asks it)."""
    known: Callable[[], tuple[str, ...]] = lambda: ("0.9.0", "0.9.1", "0.10.0")  # noqa: E731
    monkeypatch.setattr(module, "releases", known)


def test_releases_lie_between_versions() -> None:
    good, revisions = lineage("cpu", "jax==0.9.0", "jax==0.10.0", SETTINGS)
    assert good == "jax==0.9.0"
    assert [each.name for each in revisions] == ["jax==0.9.1", "jax==0.10.0"]


def test_a_version_and_a_commit_have_nothing_between() -> None:
    for ends in (("jax==0.9.0", "HEAD"), ("HEAD", "jax==0.9.0")):
        with pytest.raises(UsageError, match="both are versions of JAX, or neither is"):
            lineage("cpu", *ends, SETTINGS)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown target 'none'"):
        lineage("none", "jax==0.9.0", "jax==0.10.0", SETTINGS)
