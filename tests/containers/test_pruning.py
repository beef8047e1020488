"""Old images go; anchors, pinned ones and the newest stay."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import pytest

from containers.images import Image
from containers.pruning import keep, remove, surplus
from containers.saved import HeldImage, held
from harness.machine import this_machine
from harness.store.writer import Store
from tests.command import Jaxrig
from tests.containers.workshop import Workshop


def image(number: int, name: str = "jaxrig/cpu", *more: str) -> HeldImage:
    """The lower its number, the newer."""
    tag = f"{name}:{number}"
    return HeldImage(
        digest=f"sha256:{number:064}",
        tag=tag,
        tags=(tag, *more),
        target="cpu",
        size_bytes=1,
        created_at=datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=number),
    )


IMAGES = (image(1), image(2, "jaxrig/cpu-stack"), image(3), image(4), image(5, "jaxrig/cpu-stack"))


def gone(*images: HeldImage, keep: int = 1, pinned: tuple[str, ...] = ()) -> list[int]:
    return [int(each.digest[7:]) for each in surplus(images, keep, pinned)]


def test_the_newest_of_each_name_stay() -> None:
    assert gone(*IMAGES) == [3, 4, 5]
    assert gone(*IMAGES, keep=2) == [4]


@pytest.mark.parametrize("name", ["jaxrig/cpu:3", f"sha256:{3:064}", f"{3:064}"])
def test_what_is_named_stays(name: str) -> None:
    assert gone(*IMAGES, pinned=(name,)) == [4, 5]


def test_what_somebody_tagged_stays() -> None:
    assert gone(image(1), image(2, "jaxrig/cpu", "keep/this:1"), image(3)) == [3]


@pytest.fixture
def built(workshop: Workshop) -> list[Image]:
    """Three images on one stack, the oldest first."""
    made = []
    for value in (1, 2, 3):
        (workshop.workloads / "__init__.py").write_text(f"VALUE = {value}\n")
        made.append(workshop.ensure())
    return made


def ours(engine: docker.DockerClient, workshop: Workshop) -> list[HeldImage]:
    return [each for each in held(engine) if each.target == workshop.recipe.name]


def test_what_a_container_uses_stays(
    engine: docker.DockerClient, workshop: Workshop, built: list[Image]
) -> None:
    user = engine.containers.create(built[0].digest, ["python", "-c", ""], network_mode="none")
    try:
        done = remove(engine, surplus(ours(engine, workshop), 1, ()))
    finally:
        user.remove()
    assert [each.digest for each in done.in_use] == [built[0].digest]
    assert [each.digest for each in done.gone] == [built[1].digest]


def test_the_command_removes_neither_an_anchor_nor_the_newest(
    engine: docker.DockerClient, workshop: Workshop, built: list[Image], tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    jaxrig, target = Jaxrig(folder=folder), workshop.recipe.name
    words = ("images", "prune", "--target", target)
    without = jaxrig(*words)
    assert (without.code, len(ours(engine, workshop))) == (6, 4), without.err
    with Store(f"sqlite:///{folder}/results.db") as store:
        anchor = (built[0].digest, built[0].tag)
        store.pin_anchor(machine=this_machine(), target=target, image=anchor, epoch=1, why="first")
    (would,) = jaxrig.json(*words, "--dry-run")
    assert (would["image"], len(ours(engine, workshop))) == (built[1].digest, 4)
    done = jaxrig(*words)
    assert (done.code, "1 image(s) removed" in done.err) == (0, True), done.err
    left = {each.digest for each in ours(engine, workshop)}
    assert left >= {built[0].digest, built[2].digest}
    assert built[1].digest not in left
    assert len(left) == 3


def test_an_anchor_of_another_database_stays(
    engine: docker.DockerClient, workshop: Workshop, built: list[Image], tmp_path: Path
) -> None:
    keep(engine, built[0])
    folder = tmp_path / "files"
    folder.mkdir()
    Store(f"sqlite:///{folder}/results.db").close()
    words = ("images", "prune", "--target", workshop.recipe.name, "--dry-run")
    (would,) = Jaxrig(folder=folder).json(*words)
    assert would["image"] == built[1].digest
    kept = next(each for each in ours(engine, workshop) if each.digest == built[0].digest)
    assert kept.tag == built[0].tag  # as it is listed, and not by the tag that keeps it


def test_a_target_that_there_is_not_is_refused(engine: docker.DockerClient, tmp_path: Path) -> None:
    """Nothing to remove of one that is yet to be built is well."""
    Store(f"sqlite:///{tmp_path}/results.db").close()
    jaxrig = Jaxrig(folder=tmp_path)
    refused = jaxrig("images", "prune", "--target", "nobody-s")
    assert (refused.code, "known are: cpu, cuda" in refused.err) == (2, True), refused.err
    jaxrig.configure('[targets.nobody-s]\nextends = "cpu"\n')
    assert jaxrig.json("images", "prune", "--target", "nobody-s", "--dry-run") == []


@pytest.mark.parametrize("key", ["base", "image"])
def test_the_command_leaves_what_a_target_names(
    engine: docker.DockerClient,
    workshop: Workshop,
    built: list[Image],
    tmp_path: Path,
    key: str,
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    Store(f"sqlite:///{folder}/results.db").close()
    dockerfile = 'dockerfile = "cpu.Dockerfile"\n' if key == "base" else ""
    text = f'[targets.mine]\nplatform = "cpu"\n{dockerfile}{key} = "{built[0].digest}"\n'
    (folder / "jaxrig.toml").write_text(text)
    words = ("images", "prune", "--target", workshop.recipe.name, "--dry-run")
    (would,) = Jaxrig(folder=folder).json(*words)
    assert would["image"] == built[1].digest


def test_bytes_are_what_the_engine_holds_less(
    engine: docker.DockerClient, workshop: Workshop, podman: bool
) -> None:
    """Podman does not tell."""
    (workshop.workloads / "large").write_bytes(bytes(32 << 20))
    workshop.ensure()
    (workshop.workloads / "large").unlink()
    old = ours(engine, workshop)[0]
    workshop.ensure()
    done = remove(engine, [old])
    assert done.gone == (old,)
    assert (done.freed_bytes is None) == podman
    assert done.freed_bytes is None or done.freed_bytes > 16 << 20  # others may build meanwhile
