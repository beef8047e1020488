"""The fingerprint follows what is computed, and not where or under which name."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from workloads.hlo import canonical, fingerprint
from workloads.prepare import donating

SOURCE = """
import jax
import jax.numpy as jnp

@jax.jit
def {inner}({argument}):
    return jnp.tanh({argument}) * {factor}

def {outer}({argument}, other):
    return {inner}({argument} @ other).sum(axis=-1)
"""

PLAIN = {"inner": "inner", "outer": "outer", "argument": "x", "factor": "2.0"}


def optimised(path: Path, names: dict[str, str], above: int = 0) -> str:
    """Optimised HLO of SOURCE, as a file of its own with `above` empty lines before it."""
    text = "\n" * above + SOURCE.format(**names)
    path.write_text(text)
    namespace: dict[str, Callable[..., jax.Array]] = {}
    exec(compile(text, str(path), "exec"), namespace)  # noqa: S102
    x, scratch = jnp.ones((32, 32)), jnp.zeros(32)
    outer = namespace[names["outer"]]
    hlo: str = donating(outer).trace(scratch, x, x).lower().compile().as_text()
    return hlo


@pytest.fixture
def plain(tmp_path: Path) -> str:
    return optimised(tmp_path / "plain.py", PLAIN)


def test_moving_the_function_changes_the_text_and_not_the_fingerprint(
    tmp_path: Path, plain: str
) -> None:
    moved = optimised(tmp_path / "moved.py", PLAIN, above=40)
    assert moved != plain
    assert fingerprint(moved) == fingerprint(plain)


@pytest.mark.parametrize("name", ["inner", "outer", "argument"])
def test_renaming_does_not_change_the_fingerprint(tmp_path: Path, plain: str, name: str) -> None:
    renamed = optimised(tmp_path / "plain.py", PLAIN | {name: "another_name"})
    assert renamed != plain
    assert fingerprint(renamed) == fingerprint(plain)


def test_another_computation_changes_the_fingerprint(tmp_path: Path, plain: str) -> None:
    tripled = optimised(tmp_path / "plain.py", PLAIN | {"factor": "3.0"})
    assert fingerprint(tripled) != fingerprint(plain)


def test_another_order_of_operands_changes_the_fingerprint() -> None:
    text = """ENTRY %main (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %c = f32[] subtract(%a, %b)
}
"""
    assert fingerprint(text) != fingerprint(text.replace("(%a, %b)", "(%b, %a)"))


def test_no_source_location_is_left(tmp_path: Path, plain: str) -> None:
    left = canonical(plain)
    assert str(tmp_path) in plain
    for trace in ("metadata", "stack_frame", "FileNames", "FunctionNames", str(tmp_path)):
        assert trace not in left
    assert "dot(" in left or "fusion(" in left
