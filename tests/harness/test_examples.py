"""The targets that come as examples: what jaxrig.toml says, and the files that they name."""

import re
from pathlib import Path

import pytest

from containers.assets import assets
from harness.config import load
from harness.runner.setup import recipe
from tests.checkout import ROOT

EXAMPLES = ROOT / "docs" / "examples"
NAMES = ("cpu-1core", "cuda12", "tpu", "rocm")


def test_they_are_read_beside_the_built_in_ones() -> None:
    targets = load(EXAMPLES).targets
    assert targets.keys() == {"cpu", "cuda", *NAMES}
    assert [targets[name].platform for name in NAMES] == ["cpu", "cuda", "tpu", "rocm"]
    assert targets["cpu-1core"].cpus == "0"


@pytest.mark.parametrize("name", NAMES)
def test_their_files_come_with_jaxrig(name: str) -> None:
    made = recipe(name, load(EXAMPLES).target(name))
    assert made.requirements is not None
    assert made.dockerfile is not None
    assert {made.dockerfile.parent, made.requirements.parent} == {assets()}


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("cuda12", {"jax", "jax-cuda12-plugin", "nvidia-ml-py"}),
        ("tpu", {"jax", "libtpu"}),
        ("rocm", {"jax", "jax-rocm7-plugin", "jax-rocm7-pjrt"}),
    ],
)
def test_their_requirements_are_pinned_and_hold_the_plugin(name: str, packages: set[str]) -> None:
    made = recipe(name, load(EXAMPLES).target(name))
    assert made.requirements is not None
    pinned = _pinned(made.requirements)
    assert packages <= pinned.keys()
    assert all(pinned.values())


def _pinned(requirements: Path) -> dict[str, bool]:
    """Whether each is given with hashes, by its name."""
    text = requirements.read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line]
    assert all(re.match(r"[a-z0-9.-]+==", line) for line in lines)
    return {line.partition("==")[0]: "--hash=sha256:" in line for line in lines}
