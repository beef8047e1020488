"""Storage: checkpoints of a model, a dataset of fixed-size records, durable writes.

`cold`: the kernel holds nothing of the file in memory, which is proved before every round;
`warm`: it holds all of it; `direct`: it is not asked to (O_DIRECT). What a disk or a hypervisor
caches behind the kernel is beyond reach.
"""

from collections.abc import Mapping
from types import MappingProxyType

from workloads.case import (
    CEILINGS,
    FULL,
    ITEMSIZE_BYTES,
    PROCESS_BYTES,
    QUICK,
    STANDARD,
    Case,
    Cost,
    Work,
)
from workloads.catalog.transformer_sizes import NANO, TransformerSize

MIB = 1 << 20

TOLERANCE = 0.0
"""Every byte is compared."""

SIZES: Mapping[str, TransformerSize] = MappingProxyType(
    {
        "nano": NANO,
        # 134 M parameters, 0.54 GB in f32.
        "small": TransformerSize(
            vocab=32_000, layers=12, d_model=768, heads=12, kv_heads=12, ffn=2048
        ),
        # 1.1 G parameters, 4.4 GB in f32.
        "1b": TransformerSize(
            vocab=32_000, layers=16, d_model=2048, heads=32, kv_heads=8, ffn=8192
        ),
    }
)
"""Whose parameters a checkpoint holds."""

RECORD_BYTES = 4096
"""One page, and one block of most file systems: the least that is read or written at a time."""


def cost(*, moved_bytes: int) -> Cost:
    """Each byte crosses between file system and memory once, and is there read or written."""
    return Cost(flops=0.0, bytes=float(moved_bytes), storage_bytes=float(moved_bytes))


def _checkpoint(
    name: str, action: str, suites: tuple[str, ...], *, cache: str = "", dtype: str = "f32"
) -> Case:
    """`cache`: of what is restored. The format's header, some KiB, is not counted."""
    size = SIZES[name]
    size_bytes = ITEMSIZE_BYTES[dtype] * size.parameters
    return Case(
        id=f"storage/{name}/{action}{cache and '-'}{cache}/{dtype}",
        workload="storage",
        phase=action,
        dtype=dtype,
        cost=cost(moved_bytes=size_bytes),
        tolerance=TOLERANCE,
        suites=suites,
        # On the device, on the host, in the library's buffers, and restored.
        memory_bytes=PROCESS_BYTES + 5 * size_bytes,
        parameters={**size.as_parameters(), "kind": "checkpoint", "cache": cache},
    )


def _read(
    file_mib: int,
    order: str,
    cache: str,
    suites: tuple[str, ...],
    *,
    records: int | None = None,
    dtype: str = "f32",
) -> Case:
    """`records` of a file of so many MiB, all of them where that is None."""
    count = file_mib * MIB // RECORD_BYTES if records is None else records
    return Case(
        id=f"storage/records-{file_mib}MiB/{order}-{cache}/{dtype}",
        workload="storage",
        phase="read",
        dtype=dtype,
        cost=cost(moved_bytes=count * RECORD_BYTES),
        tolerance=TOLERANCE,
        suites=suites,
        # The content, twice while it is drawn; the buffer, and the content in that order.
        memory_bytes=PROCESS_BYTES + 5 * file_mib * MIB,
        work=Work(unit="record", count=count),
        parameters={
            "kind": "read",
            "order": order,
            "cache": cache,
            "file_bytes": file_mib * MIB,
            "records": count,
        },
    )


def _write(records: int, batch: int, suites: tuple[str, ...], dtype: str = "f32") -> Case:
    """`records` written in turn, flushed (fsync) after every `batch`."""
    return Case(
        id=f"storage/records-{records}/write-by-{batch}/{dtype}",
        workload="storage",
        phase="write",
        dtype=dtype,
        cost=cost(moved_bytes=records * RECORD_BYTES),
        tolerance=TOLERANCE,
        suites=suites,
        memory_bytes=PROCESS_BYTES + 5 * records * RECORD_BYTES,
        work=Work(unit="record", count=records),
        parameters={"kind": "write", "records": records, "batch": batch},
    )


_TOO = (*STANDARD, CEILINGS)

CASES = (
    _checkpoint("nano", "save", (*QUICK, CEILINGS)),
    _checkpoint("nano", "restore", QUICK, cache="cold"),
    _checkpoint("nano", "restore", STANDARD, cache="warm"),
    _checkpoint("small", "save", STANDARD),
    _checkpoint("small", "restore", STANDARD, cache="cold"),
    _checkpoint("small", "restore", FULL, cache="warm"),
    _checkpoint("1b", "save", FULL),
    _checkpoint("1b", "restore", FULL, cache="cold"),
    *(_read(64, "sequential", cache, _TOO) for cache in ("cold", "warm", "direct")),
    *(_read(64, "random", cache, _TOO, records=1024) for cache in ("cold", "warm", "direct")),
    *(_read(4096, "sequential", cache, FULL) for cache in ("cold", "direct")),
    *(_read(4096, "random", cache, FULL, records=16384) for cache in ("cold", "direct")),
    _write(64, 1, _TOO),
    _write(64, 64, _TOO),
)
