"""Another version of JAX on a target's stack: what stays pinned, and that it is chosen once."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from containers.assets import assets
from containers.errors import ImageUnavailable
from containers.images import Images
from containers.locks import Lock
from tests.containers.workshop import Workshop

PINNED = (assets() / "cpu.requirements.txt").read_bytes()
LOCK = Lock(jax="0.9.2", requirements=PINNED, base="python:3.13-slim", architecture="amd64")


def lines(content: bytes) -> dict[str, str]:
    """Versions by name."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", content.decode(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def test_all_stays_pinned_but_jax_and_what_it_needs() -> None:
    context = LOCK.context()
    wanted, needed, pinned = (
        lines(each) for each in (context["wanted.txt"], context["needed.txt"], PINNED)
    )
    assert wanted["jax"] == "0.9.2"
    assert "jaxlib" not in wanted | needed
    assert needed.keys() == {"numpy", "scipy", "ml-dtypes", "opt-einsum"}
    assert wanted.keys() | needed.keys() == pinned.keys() - {"jaxlib"}
    assert all(pinned[each] == version for each, version in needed.items())
    assert wanted["pytest-benchmark"] == pinned["pytest-benchmark"]
    assert b"colorama==0.4.6 ; sys_platform == 'win32'\n" in context["wanted.txt"]
    assert b"--hash" not in context["wanted.txt"] + context["needed.txt"]


def asked_for(stack: str) -> set[str]:
    """By name, what a built-in stack is made of before it is pinned."""
    text = (assets() / f"{stack}.requirements.in").read_text()
    return {re.split(r"[\[ ]", line)[0] for line in text.splitlines() if line[:1].isalpha()}


@pytest.mark.parametrize(
    ("stack", "jax"),
    [
        ("cpu", "jax==0.9.2"),
        ("cuda", "jax[cuda13]==0.9.2"),
        ("cuda12", "jax[cuda12]==0.9.2"),
        ("rocm", "jax[rocm7-local]==0.9.2"),
        ("tpu", "jax[tpu]==0.9.2"),
    ],
)
def test_what_drives_a_device_comes_with_the_version(stack: str, jax: str) -> None:
    pinned = (assets() / f"{stack}.requirements.txt").read_bytes()
    context = replace(LOCK, requirements=pinned).context()
    wanted, needed = lines(context["wanted.txt"]), lines(context["needed.txt"])
    assert context["wanted.txt"].decode().splitlines()[0] == jax
    assert wanted.keys() == {each for each in lines(pinned) if not of_jax(each)} - needed.keys()
    assert wanted.keys() | {"numpy"} >= asked_for(stack)
    assert ("nvidia-cublas" in needed) is (stack == "cuda")


def of_jax(name: str) -> bool:
    """What there is of each version of JAX."""
    return name in ("jaxlib", "libtpu") or name.startswith("jax-")


def test_whatever_it_was_chosen_by_makes_it_another_lock() -> None:
    changes = (
        {"jax": "0.9.1"},
        {"requirements": PINNED + b"# \n"},
        {"base": "debian:trixie"},
        {"architecture": "arm64"},
    )
    names = {LOCK.name, *(replace(LOCK, **each).name for each in changes)}
    assert len(names) == 5
    assert LOCK.name.startswith("jax-0.9.2-")


def test_where_it_cannot_be_kept_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: docker.DockerClient
) -> None:
    (tmp_path / "jaxrig").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def build(context: Mapping[str, bytes]) -> str:
        raise AssertionError("built")

    with pytest.raises(ImageUnavailable, match="XDG_CACHE_HOME"):
        LOCK.ensure(engine, build)


@pytest.fixture
def small(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A stack that keeps its requirements and installs none, with another version of JAX."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    workshop.requirements.write_bytes(PINNED)
    workshop.recipe = replace(workshop.recipe, jax="0.9.2")
    return workshop


def test_the_packages_are_chosen_once_and_kept(
    small: Workshop, engine: docker.DockerClient, tmp_path: Path
) -> None:
    image = small.ensure()
    assert small.said[0] == "choosing the packages of jax 0.9.2 (once)"
    chosen = small.output(image, "print(open('/requirements.txt').read())").encode()
    found, pinned = lines(chosen), lines(PINNED)
    assert found["jax"] == "0.9.2"
    assert found["jaxlib"].startswith("0.9.2")
    assert found["pytest-benchmark"] == pinned["pytest-benchmark"]
    moved = {each for each in found if found[each] != pinned.get(each)}
    assert moved <= {"jax", "jaxlib", "numpy", "scipy", "ml-dtypes", "opt-einsum"}
    assert chosen.count(b"--hash=sha256:") == len(found)
    (kept,) = (tmp_path / "cache/jaxrig/locks").iterdir()
    assert kept.read_bytes().strip() == chosen.strip()
    assert engine.images.list(f"jaxrig/{small.recipe.name}-lock") == []
    anew = Images(engine, small.workloads, small.said.append, anew=True)
    small.said.clear()
    again = anew.ensure(replace(small.recipe, name=f"{small.recipe.name}-again"))
    assert small.output(again, "print(open('/requirements.txt').read())").encode() == chosen
    assert not any("choosing" in each for each in small.said)


def test_a_version_that_there_is_not_keeps_nothing(small: Workshop, tmp_path: Path) -> None:
    with pytest.raises(ImageUnavailable, match=r"No matching distribution found for jax==0\.9\.99"):
        small.ensure(replace(small.recipe, jax="0.9.99"))
    assert list((tmp_path / "cache").rglob("*.txt")) == []


def test_cuda_s_packages_are_chosen_as_one_that_goes_together(
    small: Workshop, engine: docker.DockerClient
) -> None:
    """Of gigabytes that would be installed pip reads what they need, and no more."""
    small.requirements.write_bytes((assets() / "cuda.requirements.txt").read_bytes())
    image = small.ensure()
    chosen = small.output(image, "print(open('/requirements.txt').read())").encode()
    found = lines(chosen)
    assert {found[each] for each in ("jax", "jaxlib", "jax-cuda13-plugin", "jax-cuda13-pjrt")} == {
        "0.9.2"
    }
    assert found.keys() >= asked_for("cuda") | {"nvidia-cublas", "nvidia-cudnn-cu13"}
    assert chosen.count(b"--hash=sha256:") == len(found)
