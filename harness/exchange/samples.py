"""Stored samples in the long form, a row a sample: for spreadsheets and data frames."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from harness.exchange.bundle import replacing

if TYPE_CHECKING:
    from harness.store.reader import Reader, Run

_OF_RUN = ("run", "started_at", "machine", "target", "platform", "isolation", "suite", "image")
_OF_CASE = ("case", "launch", "part")
COLUMNS = (*_OF_RUN, "git_commit", *_OF_CASE, "round", "calls_per_round", "sample_s")
"""Of the long form: a row a sample. `launch`, `part` and `round` count from 0."""


def sample_columns(reader: "Reader", runs: Iterable["Run"]) -> Iterator[dict[str, list[Any]]]:
    """The long form, some thousand rows at a time: of one measurement each. Pruned samples have
    no rows."""
    for run in runs:
        told = {name: getattr(run, name) for name in (*_OF_RUN, "git_commit")}
        frame = reader.measurements(run.run)
        columns = (frame[name].tolist() for name in (*_OF_CASE, "calls_per_round", "samples_s"))
        for *case, calls, samples in zip(*columns, strict=True):
            if samples is None:
                continue
            count = len(samples)
            yield {
                **{name: [value] * count for name, value in told.items()},
                **{name: [value] * count for name, value in zip(_OF_CASE, case, strict=True)},
                "round": list(range(count)),
                "calls_per_round": [calls] * count,
                "sample_s": samples.tolist(),
            }


def write_csv(reader: "Reader", runs: Sequence["Run"], path: Path) -> None:
    """The long form as CSV; numbers with all their digits."""
    with replacing(path) as unfinished, unfinished.open("w", newline="") as file:
        _write_rows(sample_columns(reader, runs), file)


def write_parquet(reader: "Reader", runs: Sequence["Run"], path: Path) -> None:
    """The long form as Parquet, which is put together in memory. Raises `EnvironmentFailure`
    where pyarrow is missing."""
    import pandas as pd

    from harness.exchange.parquet import parquet

    long: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for batch in sample_columns(reader, runs):
        for name in COLUMNS:
            long[name] += batch[name]
    content = parquet(pd.DataFrame(long))
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)


def _write_rows(batches: Iterable[Mapping[str, list[Any]]], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for batch in batches:
        batch = {**batch, "started_at": [each.isoformat() for each in batch["started_at"]]}
        writer.writerows(zip(*(batch[name] for name in COLUMNS), strict=True))
