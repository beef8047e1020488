"""Checkpoints of a model's parameters in the safetensors format, by its own library.

Saved as a job must that may die at any moment: into a new file, which is flushed, then renamed
over the last one. Restored onto the device, by name.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray
from safetensors.flax import load_file, save_file

from workloads.case import Case
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.identical import check_bytes
from workloads.numerics import WrongNumbers
from workloads.problem import Activity, Observations, generator, normal
from workloads.storage import page_cache
from workloads.storage.scratch import Scratch

Parameters = Mapping[str, jax.Array]

STALE = b"an older checkpoint"
"""What lies at the path before the first save: a save that leaves it there is found out."""

DTYPES = {"F32": np.dtype("<f4")}
"""The format's names."""


def save(parameters: Parameters, path: Path) -> None:
    """Atomic and durable: afterwards `path` holds `parameters`, whatever happens next."""
    fresh = path.with_suffix(".new")
    save_file(dict(parameters), str(fresh))
    flush(fresh)
    fresh.replace(path)
    flush(path.parent)


def restore(path: Path) -> Parameters:
    """The parameters on the device, arrived."""
    restored: Parameters = jax.block_until_ready(load_file(str(path)))  # type: ignore[no-untyped-call]
    return restored


def flush(path: Path) -> None:
    """fsync of a file or a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def build(case: Case, scratch: Scratch) -> Activity:
    """Parameters: those of TransformerSize; cache (`cold` or `warm`)."""
    parameters = draw(TransformerSize.of(case), case)
    if case.phase == "save":
        return saving(case, scratch, parameters)
    return restoring(case, scratch, parameters)


def draw(size: TransformerSize, case: Case) -> Parameters:
    """Random parameters by name."""
    source = generator(case)
    return {name: normal(source, shape, case.dtype) for name, shape in shapes(size).items()}


def shapes(size: TransformerSize) -> Mapping[str, tuple[int, ...]]:
    """Shape of every tensor of the model, by name."""
    d, k = size.d_model, size.head_dim
    layer = {
        "attention_norm": (d,),
        "query": (d, size.heads, k),
        "key": (d, size.kv_heads, k),
        "value": (d, size.kv_heads, k),
        "output": (size.heads, k, d),
        "ffn_norm": (d,),
        "gate": (d, size.ffn),
        "up": (d, size.ffn),
        "down": (size.ffn, d),
    }
    layers = {
        f"layers.{index}.{name}": shape
        for index in range(size.layers)
        for name, shape in layer.items()
    }
    ends = {"embedding": (size.vocab, d), "final_norm": (d,), "unembedding": (d, size.vocab)}
    return {**layers, **ends}


def saving(
    case: Case,
    scratch: Scratch,
    parameters: Parameters,
    save: Callable[[Parameters, Path], None] = save,
) -> Activity:
    """Saves over the last checkpoint; what is checked is read by hand, not by the library."""
    path = scratch.folder / "checkpoint.safetensors"
    path.write_bytes(STALE)

    def check() -> float:
        save(parameters, path)
        if not scratch.in_memory:
            check_flushed(case, path)
        return compare(case, read_by_hand(case, path), parameters)

    def observe() -> Observations:
        return {"filesystem": scratch.filesystem}

    return Activity(
        call=lambda: save(parameters, path),
        check=check,
        observe=observe,
        warnings=scratch.warnings,
        close=scratch.close,
    )


def restoring(
    case: Case,
    scratch: Scratch,
    parameters: Parameters,
    restore: Callable[[Path], Parameters] = restore,
) -> Activity:
    """Restores a checkpoint that was saved before; cold where the case says so."""
    path = scratch.folder / "checkpoint.safetensors"
    save(parameters, path)
    cold = page_cache.Cold(path) if case.parameters["cache"] == "cold" else None

    def observe() -> Observations:
        share = page_cache.resident_share(path) if cold is None else cold.resident_share
        return {"filesystem": scratch.filesystem, "resident_share_before": share}

    return Activity(
        call=lambda: restore(path),
        check=lambda: compare(case, restore(path), parameters),
        before_round=None if cold is None else cold.renew,
        observe=observe,
        warnings=scratch.warnings,
        close=scratch.close,
    )


def compare(case: Case, found: Mapping[str, Any], parameters: Parameters) -> float:
    """0.0. Raises `WrongNumbers` for a tensor too few or too many, or another byte."""
    if found.keys() != parameters.keys():
        wrong = ", ".join(sorted(found.keys() ^ parameters.keys()))
        raise WrongNumbers(f"{case.id}: lost or found: {wrong}; not timed")
    return max(
        check_bytes(case, np.asarray(found[name]), np.asarray(expected))
        for name, expected in parameters.items()
    )


def check_flushed(case: Case, path: Path) -> None:
    """Raises `WrongNumbers` where `path` is not in storage: the kernel cannot forget what it has
    yet to write."""
    page_cache.drop(path, flush=False)
    share = page_cache.resident_share(path)
    if share > 0.5:
        raise WrongNumbers(f"{case.id}: {share:.0%} of the file is not flushed; not timed")


def read_by_hand(case: Case, path: Path) -> Mapping[str, NDArray[Any]]:
    """Tensors of a safetensors file: 8 bytes with the size of the header, little-endian; the
    header, JSON with dtype, shape and offsets by name; the data
    (https://github.com/huggingface/safetensors#format)."""
    data = np.memmap(path, dtype=np.uint8, mode="r")
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    try:
        header = json.loads(data[8:start].tobytes())
    except ValueError as error:
        raise WrongNumbers(f"{case.id}: {path} holds no checkpoint: {error}; not timed") from error
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        flat = data[start + first : start + end].view(DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors
