"""A dataset of fixed-size records: read in order or at random, and written durably."""

import errno
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.case import Case
from workloads.catalog.storage import RECORD_BYTES
from workloads.identical import check_bytes
from workloads.problem import Activity, Observations, generator, normal
from workloads.room import Unsuitable
from workloads.storage import page_cache
from workloads.storage.checkpoint import check_flushed, flush
from workloads.storage.scratch import Scratch

CHUNK_BYTES = 1 << 20
"""Read at a time where records are read in order."""

Content = NDArray[Any]
"""(records, RECORD_BYTES), u8."""


def read(case: Case, scratch: Scratch) -> Activity:
    """Parameters: order, cache, file_bytes, records. Raises `Unsuitable`."""
    content = draw(case, case.integer("file_bytes") // RECORD_BYTES)
    path = scratch.folder / "records"
    content.tofile(path)
    flush(path)
    chosen = choose(case, len(content))
    return reading(case, scratch, path, chosen, content)


def draw(case: Case, records: int) -> Content:
    """Random normal records, as bytes."""
    elements = records * RECORD_BYTES // np.dtype(np.float32).itemsize
    values = np.asarray(normal(generator(case), (elements,), case.dtype))
    return values.view(np.uint8).reshape(records, RECORD_BYTES)


def choose(case: Case, records: int) -> NDArray[np.int64]:
    """The records to read, in order: the first ones, or others drawn without repetition."""
    count = case.integer("records")
    if case.parameters["order"] == "sequential":
        return np.arange(count)
    return np.random.default_rng(count).permutation(records)[:count]


def reading(
    case: Case,
    scratch: Scratch,
    path: Path,
    chosen: NDArray[np.int64],
    content: Content,
    pread: Callable[[int, list[memoryview], int], int] = os.preadv,
) -> Activity:
    """Reads the `chosen` records into one buffer that begins on a page."""
    cache, in_order = str(case.parameters["cache"]), case.parameters["order"] == "sequential"
    cold = page_cache.Cold(path) if cache == "cold" else None
    descriptor = open_for_reading(path, direct=cache == "direct", scratch=scratch)
    if not in_order:  # else the kernel reads ahead what nobody wants
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
    buffer = mmap.mmap(-1, len(chosen) * RECORD_BYTES)
    size = min(CHUNK_BYTES, len(buffer)) if in_order else RECORD_BYTES
    offsets = range(0, len(buffer), size) if in_order else (chosen * RECORD_BYTES).tolist()
    whole = memoryview(buffer)
    pieces = [
        (offset, [whole[place * size : (place + 1) * size]]) for place, offset in enumerate(offsets)
    ]

    def call() -> None:
        for offset, views in pieces:
            if pread(descriptor, views, offset) != len(views[0]):
                raise OSError(errno.EIO, f"a short read at byte {offset}", str(path))

    def check() -> float:
        buffer[:] = bytes(len(buffer))
        call()
        found = np.frombuffer(buffer, dtype=np.uint8).reshape(-1, RECORD_BYTES)
        return check_bytes(case, found, content[chosen])

    def observe() -> Observations:
        share = page_cache.resident_share(path) if cold is None else cold.resident_share
        return {"filesystem": scratch.filesystem, "resident_share_before": share}

    def close() -> None:
        os.close(descriptor)
        scratch.close()

    return Activity(
        call=call,
        check=check,
        before_round=None if cold is None else cold.renew,
        observe=observe,
        warnings=scratch.warnings,
        close=close,
    )


def open_for_reading(path: Path, *, direct: bool, scratch: Scratch) -> int:
    """A descriptor. Raises `Unsuitable` where the file system has no O_DIRECT, or no disk."""
    if not direct:
        return os.open(path, os.O_RDONLY)
    if scratch.in_memory:
        raise Unsuitable(
            f"needs a disk to read directly (O_DIRECT); scratch is on a {scratch.filesystem}"
        )
    page_cache.drop(path)
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise Unsuitable(f"{scratch.filesystem} has no O_DIRECT ({error})") from error


def write(case: Case, scratch: Scratch) -> Activity:
    """Parameters: records, batch."""
    return writing(case, scratch, draw(case, case.integer("records")))


def writing(
    case: Case,
    scratch: Scratch,
    content: Content,
    pwrite: Callable[[int, Any, int], int] = os.pwrite,
    fsync: Callable[[int], None] = os.fsync,
) -> Activity:
    """Writes all records over the last ones, each at its place, and flushes after each batch."""
    path, batch = scratch.folder / "records", case.integer("batch")
    path.write_bytes(bytes(content.size))
    flush(path)
    descriptor = os.open(path, os.O_WRONLY)
    records = [record.tobytes() for record in content]

    def call() -> None:
        for number, record in enumerate(records):
            if pwrite(descriptor, record, number * RECORD_BYTES) != RECORD_BYTES:
                raise OSError(errno.EIO, f"a short write of record {number}", str(path))
            if (number + 1) % batch == 0:
                fsync(descriptor)

    def check() -> float:
        call()
        if not scratch.in_memory:
            check_flushed(case, path)
        found = np.fromfile(path, dtype=np.uint8).reshape(content.shape)
        return check_bytes(case, found, content)

    def close() -> None:
        os.close(descriptor)
        scratch.close()

    return Activity(
        call=call,
        check=check,
        observe=lambda: {"filesystem": scratch.filesystem},
        warnings=scratch.warnings,
        close=close,
    )
