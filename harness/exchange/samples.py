"""Stored samples in the long form, a row a sample: for spreadsheets and data frames."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.exchange.bundle import replacing
from harness.told import count

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from harness.store.reader import Reader, Run

_OF_RUN = ("run", "started_at", "machine", "target", "platform", "isolation", "suite", "image")
_OF_CASE = ("case", "launch", "part")
COLUMNS = (*_OF_RUN, "git_commit", *_OF_CASE, "round", "calls_per_round", "sample_s")
"""Of the long form: a row a sample. `launch`, `part` and `round` count from 0."""

_WHOLE = ("launch", "part", "round", "calls_per_round")
_ROWS_AT_ONCE = 1 << 17


@dataclass(frozen=True, kw_only=True)
class SamplesOf:
    """A measurement's rows: `samples_s`, shape (rounds,), and what is the same in all of them, in
    the order of the columns. `calls_per_round` is None where nobody knows it."""

    told: tuple[Any, ...]
    calls_per_round: int | None
    samples_s: "NDArray[np.float64]"


def samples_of(reader: "Reader", runs: Iterable["Run"]) -> Iterator[SamplesOf]:
    """Those of one measurement after another. Of pruned samples there are none."""
    for run in runs:
        told = tuple(getattr(run, name) for name in (*_OF_RUN, "git_commit"))
        frame = reader.measurements(run.run)
        columns = (frame[name].tolist() for name in (*_OF_CASE, "calls_per_round", "samples_s"))
        for *case, calls, samples in zip(*columns, strict=True):
            if samples is not None:
                yield SamplesOf(
                    told=(*told, *case), calls_per_round=count(calls), samples_s=samples
                )


def write_csv(reader: "Reader", runs: Sequence["Run"], path: Path) -> None:
    """The long form as CSV, in UTF-8; numbers with all their digits."""
    with (
        replacing(path) as unfinished,
        unfinished.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for each in samples_of(reader, runs):
            run, started_at, *rest = each.told
            told = (run, started_at.isoformat(), *rest)
            samples = enumerate(each.samples_s.tolist())
            writer.writerows(
                (*told, index, each.calls_per_round, value) for index, value in samples
            )


def write_parquet(reader: "Reader", runs: Sequence["Run"], path: Path) -> None:
    """The long form as Parquet, compressed by zstd; the types of its columns are always the same.
    Some hundred thousand rows are in memory at once. Raises `EnvironmentFailure` where pyarrow is
    missing."""
    from harness.exchange.parquet import arrow

    pa = arrow()
    schema = _schema()
    with (
        replacing(path) as unfinished,
        pa.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):
        for table in _tables(samples_of(reader, runs), schema):
            writer.write_table(table)


def _schema() -> "pa.Schema":
    import pyarrow as pa

    kinds = dict.fromkeys(COLUMNS, pa.string()) | dict.fromkeys(_WHOLE, pa.int64())
    kinds |= {"started_at": pa.timestamp("us", tz="UTC"), "sample_s": pa.float64()}
    return pa.schema(list(kinds.items()))


def _tables(found: Iterable[SamplesOf], schema: "pa.Schema") -> "Iterator[pa.Table]":
    """Of some hundred thousand rows each, the last excepted: a group of rows in the file."""
    import pyarrow as pa

    batches, rows = list[pa.RecordBatch](), 0
    for each in found:
        batches.append(_batch(each, schema))
        rows += len(each.samples_s)
        if rows >= _ROWS_AT_ONCE:
            yield pa.Table.from_batches(batches, schema)
            batches, rows = [], 0
    yield pa.Table.from_batches(batches, schema)


def _batch(each: SamplesOf, schema: "pa.Schema") -> "pa.RecordBatch":
    import numpy as np
    import pyarrow as pa

    rounds = len(each.samples_s)
    *kinds, _, _, _ = schema.types
    told = [
        pa.repeat(pa.scalar(value, kind), rounds)
        for value, kind in zip(each.told, kinds, strict=True)
    ]
    calls = pa.repeat(pa.scalar(each.calls_per_round, pa.int64()), rounds)
    columns = [*told, pa.array(np.arange(rounds)), calls, pa.array(each.samples_s)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
