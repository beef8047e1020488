"""Files hold what was saved, cold is cold, and what a file system cannot do is said."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.flax import save_file

from workloads import storage
from workloads.case import Case
from workloads.catalog import find
from workloads.catalog.storage import RECORD_BYTES, cost
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.numerics import WrongNumbers
from workloads.prepare import Called, call
from workloads.room import Unsuitable
from workloads.storage import checkpoint, page_cache, records, scratch
from workloads.storage.checkpoint import Parameters
from workloads.storage.scratch import Scratch

TINY = {"vocab": 64, "layers": 2, "d_model": 32, "heads": 4, "kv_heads": 2, "ffn": 48}
RECORDS = 600
SHM = Path("/dev/shm")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JAXRIG_SCRATCH", str(tmp_path))
    return tmp_path


@pytest.fixture
def disk(folder: Path) -> None:
    if scratch.filesystem(folder) in scratch.IN_MEMORY:
        pytest.skip("temporary files lie in memory here")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A scratch directory on a tmpfs."""
    if not SHM.is_dir() or scratch.filesystem(SHM) != "tmpfs":
        pytest.skip("no tmpfs at /dev/shm")
    with tempfile.TemporaryDirectory(dir=SHM) as name:
        monkeypatch.setenv("JAXRIG_SCRATCH", name)
        yield Path(name)


def tiny(case_id: str) -> Case:
    case = find(case_id)
    sizes: dict[str, int] = TINY
    if case.phase == "read":
        read = RECORDS if case.parameters["order"] == "sequential" else 50
        sizes = {"file_bytes": RECORDS * RECORD_BYTES, "records": read}
    elif case.phase == "write":
        sizes = {"records": 6, "batch": min(case.integer("batch"), 3)}
    return replace(case, parameters={**case.parameters, **sizes})


def prepared(case_id: str) -> Called:
    case = tiny(case_id)
    return call(case, storage.build(case))


def once(case_id: str) -> dict[str, Any]:
    """Observations after a round."""
    ready = prepared(case_id)
    try:
        if ready.before_round is not None:
            ready.before_round()
        ready.round(1)
        assert ready.numerics_error == 0
        return dict(ready.observe())
    finally:
        ready.close()


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize(
    ("case", "shares"),
    [
        ("storage/nano/save/f32", None),
        ("storage/nano/restore-cold/f32", (0, page_cache.COLD_SHARE)),
        ("storage/nano/restore-warm/f32", (1, 1)),
        ("storage/records-64MiB/sequential-cold/f32", (0, page_cache.COLD_SHARE)),
        ("storage/records-64MiB/sequential-warm/f32", (1, 1)),
        ("storage/records-64MiB/random-cold/f32", (0, page_cache.COLD_SHARE)),
        ("storage/records-64/write-by-1/f32", None),
        ("storage/records-64/write-by-64/f32", None),
    ],
)
def test_what_is_moved_is_right_as_cold_as_it_says_and_removed(
    folder: Path, case: str, shares: tuple[float, float] | None
) -> None:
    found = once(case)
    assert found["filesystem"] == scratch.filesystem(folder)
    if shares is not None:
        assert shares[0] <= found["resident_share_before"] <= shares[1]
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize("order", ["sequential", "random"])
def test_direct_reads_leave_nothing_in_the_cache(folder: Path, order: str) -> None:
    try:
        found = once(f"storage/records-64MiB/{order}-direct/f32")
    except Unsuitable as reason:
        pytest.skip(str(reason))
    assert found["resident_share_before"] < page_cache.COLD_SHARE
    assert list(folder.iterdir()) == []


def test_a_file_system_without_direct_reads_is_a_reason_to_skip(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refusing(path: Any, flags: int, *more: int, **named: Any) -> int:
        if flags & os.O_DIRECT:
            raise OSError(22, "Invalid argument")
        return opened(path, flags, *more, **named)

    monkeypatch.setattr("os.open", refusing)
    with pytest.raises(Unsuitable, match="O_DIRECT"):
        prepared("storage/records-64MiB/sequential-direct/f32")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["nano/restore-cold", "records-64MiB/sequential-cold"])
def test_nothing_is_cold_in_memory(memory: Path, kind: str) -> None:
    with pytest.raises(Unsuitable, match="cold cache"):
        prepared(f"storage/{kind}/f32")
    assert list(memory.iterdir()) == []


def test_nothing_is_read_directly_from_memory(memory: Path) -> None:
    with pytest.raises(Unsuitable, match="O_DIRECT"):
        prepared("storage/records-64MiB/random-direct/f32")
    assert list(memory.iterdir()) == []


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("kind", ["nano/save", "nano/restore-warm", "records-64/write-by-1"])
def test_memory_is_warned_about(kind: str) -> None:
    ready = prepared(f"storage/{kind}/f32")
    assert ready.observe()["filesystem"] == "tmpfs"
    assert "memory was measured, not a disk" in ready.warnings()[0]
    ready.close()


def test_a_directory_that_is_missing_or_too_small_is_a_reason_to_skip(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unsuitable, match="GiB of space"):
        Scratch.make(1 << 60)
    monkeypatch.setenv("JAXRIG_SCRATCH", str(folder / "nowhere"))
    with pytest.raises(Unsuitable, match="JAXRIG_SCRATCH"):
        Scratch.make(1)


def test_the_file_system_is_that_of_the_longest_and_last_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw shared:1 - ext4 /dev/a rw\n"
        "23 22 0:5 / /a\\040b rw - tmpfs tmpfs rw\n"
        "24 22 0:6 / /a\\040b rw - xfs /dev/b rw\n"
        "25 22 0:7 / /a rw - btrfs /dev/c rw\n"
    )
    found = {path: scratch.filesystem(Path(path), mounts) for path in ("/x", "/a/c", "/a b/c")}
    assert found == {"/x": "ext4", "/a/c": "btrfs", "/a b/c": "xfs"}


@pytest.mark.usefixtures("disk")
def test_the_cache_is_looked_into_and_dropped(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(100 * 4096))
    assert page_cache.resident_share(path) == 1
    page_cache.drop(path)
    assert page_cache.resident_share(path) == 0


def test_a_cache_that_does_not_empty_is_not_cold(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(100 * 4096))
    with pytest.raises(Unsuitable, match="100% stays"):
        page_cache.Cold(path, drop=lambda _: None)


def altered(parameters: Parameters) -> Parameters:
    """The last bit of one number in one tensor."""
    values = np.array(parameters["layers.1.gate"])
    values.view(np.uint32)[0, 0] ^= 1
    return {**parameters, "layers.1.gate": jnp.array(values)}


def without_last(parameters: Parameters) -> Parameters:
    return {name: value for name, value in parameters.items() if name != "unembedding"}


def unwritten(parameters: Parameters, path: Path) -> None:
    """Leaves what was there."""


def older(parameters: Parameters, path: Path) -> None:
    """What the parameters were a step ago."""
    checkpoint.save({name: 0.99 * value for name, value in parameters.items()}, path)


def unflushed(parameters: Parameters, path: Path) -> None:
    fresh = path.with_suffix(".new")
    save_file(dict(parameters), str(fresh))
    fresh.replace(path)


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize(
    "wrong",
    [
        unwritten,
        older,
        unflushed,
        lambda parameters, path: checkpoint.save(altered(parameters), path),
        lambda parameters, path: checkpoint.save(without_last(parameters), path),
    ],
)
def test_a_save_that_does_not_is_refused(folder: Path, wrong: Any) -> None:
    case, where = tiny("storage/nano/save/f32"), Scratch.make(1)
    parameters = checkpoint.draw(TransformerSize.of(case), case)
    with pytest.raises(WrongNumbers):
        call(case, checkpoint.saving(case, where, parameters, save=wrong))
    assert list(folder.iterdir()) == []


def test_a_save_flushes_the_file_before_the_rename_and_the_directory_after(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ext4 happens to flush a renamed file together with its directory; others do not."""
    flushed: list[tuple[str, list[str]]] = []

    def noting(path: Path) -> None:
        flushed.append((path.name, sorted(each.name for each in folder.iterdir())))

    monkeypatch.setattr(checkpoint, "flush", noting)
    checkpoint.save({"w": jnp.ones(3)}, folder / "c.safetensors")
    assert flushed == [("c.new", ["c.new"]), (folder.name, ["c.safetensors"])]


@pytest.mark.parametrize("wrong", [altered, without_last])
def test_a_restore_that_brings_something_else_is_refused(wrong: Any) -> None:
    case, where = tiny("storage/nano/restore-warm/f32"), Scratch.make(1)
    parameters = checkpoint.draw(TransformerSize.of(case), case)
    activity = checkpoint.restoring(
        case, where, parameters, restore=lambda path: wrong(checkpoint.restore(path))
    )
    with pytest.raises(WrongNumbers):
        call(case, activity)


def test_a_stale_checkpoint_is_refused(folder: Path) -> None:
    case = tiny("storage/nano/restore-warm/f32")
    activity = storage.build(case)
    older(
        checkpoint.draw(TransformerSize.of(case), case),
        next(folder.rglob("*.safetensors")),
    )
    with pytest.raises(WrongNumbers):
        call(case, activity)


@pytest.mark.parametrize("kind", ["sequential-warm", "random-warm"])
def test_a_stale_record_is_refused(folder: Path, kind: str) -> None:
    case = tiny(f"storage/records-64MiB/{kind}/f32")
    activity = storage.build(case)
    path = next(folder.rglob("records"))
    record = int(records.choose(case, RECORDS)[7])
    with path.open("r+b") as file:
        file.seek(record * RECORD_BYTES + 5)
        before = file.read(1)[0]
        file.seek(record * RECORD_BYTES + 5)
        file.write(bytes([before ^ 1]))
    with pytest.raises(WrongNumbers):
        call(case, activity)


def shifted(descriptor: int, views: list[memoryview], offset: int) -> int:
    return os.preadv(descriptor, views, max(0, offset - RECORD_BYTES))


def pretended(_: int, views: list[memoryview], __: int) -> int:
    return len(views[0])


@pytest.mark.parametrize("wrong", [shifted, pretended])
def test_a_read_of_something_else_is_refused(wrong: Any) -> None:
    case, where = tiny("storage/records-64MiB/random-warm/f32"), Scratch.make(1)
    content = records.draw(case, RECORDS)
    path = where.folder / "records"
    content.tofile(path)
    chosen = records.choose(case, RECORDS)
    with pytest.raises(WrongNumbers):
        call(case, records.reading(case, where, path, chosen, content, pread=wrong))


def unwritten_record(descriptor: int, record: bytes, offset: int) -> int:
    return os.pwrite(descriptor, record, offset) if offset else len(record)


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize(
    "wrong",
    [
        {"pwrite": unwritten_record},
        {"pwrite": lambda d, r, at: os.pwrite(d, r[::-1], at)},
        {"fsync": lambda _: None},
    ],
)
def test_a_write_that_is_not_durable_or_not_right_is_refused(wrong: Any) -> None:
    case, where = tiny("storage/records-64/write-by-1/f32"), Scratch.make(1)
    content = records.draw(case, case.integer("records"))
    with pytest.raises(WrongNumbers):
        call(case, records.writing(case, where, content, **wrong))


@pytest.mark.parametrize(("batch", "flushes"), [(1, 6), (3, 2)])
def test_every_batch_is_flushed(batch: int, flushes: int) -> None:
    case, where = tiny("storage/records-64/write-by-1/f32"), Scratch.make(1)
    case = replace(case, parameters={**case.parameters, "batch": batch})
    counted: list[int] = []
    content = records.draw(case, case.integer("records"))
    activity = records.writing(case, where, content, fsync=counted.append)
    activity.call()
    activity.close()
    assert len(counted) == flushes


def test_random_records_are_drawn_without_repetition() -> None:
    chosen = records.choose(find("storage/records-64MiB/random-cold/f32"), 16384)
    assert np.unique(chosen).size == chosen.size == 1024
    assert (np.diff(chosen) != 1).mean() > 0.99


def test_what_a_checkpoint_moves_is_its_parameters() -> None:
    case = find("storage/small/save/f32")
    size = TransformerSize.of(case)
    numbers = sum(int(np.prod(shape)) for shape in checkpoint.shapes(size).values())
    assert case.cost == cost(moved_bytes=4 * numbers)
    assert numbers == size.parameters
