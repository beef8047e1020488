"""`jaxrig predict`."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from harness.cli.words import positive, show
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.roofline.ceilings import Hardware, Timed
    from harness.roofline.predict import Shape
    from harness.store.reader import Reader, Run


def add(predict: argparse.ArgumentParser) -> None:
    predict.add_argument("model", help="nano, mini, small, 1b, 7b, or a TOML file of a shape")
    predict.add_argument("--batch", type=positive, metavar="N", help="sequences (default: 1)")
    predict.add_argument("--context", type=positive, metavar="T", help="tokens (default: 2048)")
    predict.add_argument("--dtype", help="of the weights (default: f32)")
    predict.add_argument(
        "--ceilings", metavar="RUN", help="by these (default: the newest of this machine)"
    )


def predict(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.predictions import predictions_view
    from harness.roofline.capacity import allocatable_bytes
    from harness.roofline.predict import missing, predict
    from harness.store.reader import Reader

    shape = _shape(arguments)
    with Reader(arguments.db) as reader:
        run, (machine, measured) = _ceilings(reader, arguments.ceilings)
    memory_bytes = allocatable_bytes(measured)
    found = list(predict(shape, machine, memory_bytes))
    if not found:
        why = "; ".join(missing(shape, machine))
        raise UsageError(f"{run.run} does not tell what {shape.dtype} takes: {why}")
    model = (
        f"{arguments.model}: batch {shape.batch}, context {shape.context}, {shape.dtype}, "
        f"{shape.size.parameters:,} parameters"
    )
    view = predictions_view(found, model=model, ceilings=run.run, memory_bytes=memory_bytes)
    show(view, arguments, out)
    return 0


def _ceilings(
    reader: "Reader", reference: str | None
) -> "tuple[Run, tuple[Hardware, list[Timed]]]":
    """Those that are named, else the newest of this machine."""
    from harness.bottleneck import measured_ceilings
    from harness.limits import complete, hardware_of_run
    from harness.machine import this_machine

    if reference is not None:
        run = reader.run(reference)
        return run, hardware_of_run(reader, run)
    stored, here = measured_ceilings(reader.runs()), this_machine().fingerprint
    if own := [run for run in stored if run.machine == here]:
        return complete(own, partial(hardware_of_run, reader))
    others = ", ".join(
        run.run for run in {each.machine: each for each in reversed(stored)}.values()
    )
    more = f"; of other machines there are, for --ceilings: {others}" if others else ""
    raise UsageError(
        f"no ceilings of this machine are stored; `jaxrig ceilings` measures them{more}"
    )


def _shape(arguments: argparse.Namespace) -> "Shape":
    from harness.roofline.predict import Shape
    from workloads.catalog import ITEMSIZE_BYTES
    from workloads.catalog.transformer_sizes import SIZES

    told = dict[str, Any]()
    size = SIZES.get(arguments.model)
    if size is None:
        size, told = _from_file(Path(arguments.model))
    given = {
        name: value
        for name in ("batch", "context", "dtype")
        if (value := getattr(arguments, name)) is not None
    }
    dtype = given.get("dtype", told.get("dtype", "f32"))
    if not isinstance(dtype, str) or dtype not in ITEMSIZE_BYTES:
        raise UsageError(f"unknown dtype {dtype!r}; known are: {', '.join(ITEMSIZE_BYTES)}")
    return Shape(size=size, **{"batch": 1, "context": 2048, "dtype": "f32", **told, **given})


def _from_file(path: Path) -> tuple[Any, dict[str, Any]]:
    """The model's size, and how it is called where the file says so. Raises `UsageError`."""
    import tomllib

    from workloads.catalog.transformer_sizes import SIZES, TransformerSize

    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(SIZES)
        raise UsageError(f"{path} is neither a file nor one of: {known}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    names = [*TransformerSize.__dataclass_fields__, "batch", "context"]
    for name, value in told.items():
        if name not in (*names, "dtype"):
            raise UsageError(f"{path}: unknown key {name!r}; known are: {', '.join(names)}, dtype")
        if name != "dtype" and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise UsageError(f"{path}: {name} = {value!r} is not a whole number above 0")
    missing = [name for name in TransformerSize.__dataclass_fields__ if name not in told]
    if missing:
        raise UsageError(f"{path}: {', '.join(missing)} is missing")
    size = TransformerSize(
        **{name: told.pop(name) for name in TransformerSize.__dataclass_fields__}
    )
    if size.d_model % size.heads or size.heads % size.kv_heads:
        raise UsageError(f"{path}: heads must divide d_model, and kv_heads must divide heads")
    return size, told
