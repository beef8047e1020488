"""What was measured, as DataFrames: `harness.open("results.db")`. docs/querying.md shows its use.

Columns and dtypes are the same whatever is found, nothing included. Texts that repeat are
categories; times are `datetime64[us, UTC]`; values are in base units, named in the column.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from sqlalchemy import Connection, Engine

from harness.errors import UsageError
from harness.moments import moment
from harness.runner.abandoned import is_abandoned
from harness.store.abandoned import as_marked, kept, settled
from harness.store.columns import Columns
from harness.store.database import database_errors, open_for_reading
from harness.store.filters import Filters
from harness.store.metrics import TIME, metrics_named
from harness.store.names import read_names
from harness.store.url import sqlite_url

if TYPE_CHECKING:
    import pandas as pd


class Wanted(TypedDict, total=False):
    """What the methods can be asked for; see `Filters`. `since` and `until` may be written as
    `30d`, `2026-01-31` or `2026-01-31T10:00Z`; a datetime has a zone. `run` is any of the ways in
    which `jaxrig show` knows a run. `statuses`: one, or several; a run that is marked as running,
    and whose process is gone, is an interrupted one."""

    target: str
    machine: str
    image: str
    jax: str
    commit: str
    tags: Mapping[str, str]
    since: datetime | str
    until: datetime | str
    statuses: str | Collection[str]
    suite: str
    isolation: str
    run: str


class Results:
    """Reads a database. Raises `DatabaseFailure`, and `UsageError` for what cannot be asked.

    What matches nothing gives an empty frame with all of its columns.
    """

    def __init__(self, database: str | os.PathLike[str]) -> None:
        text = os.fspath(database)
        self._url = text if "://" in text else sqlite_url(text)
        self._engine: Engine = open_for_reading(self._url)

    def runs(self, *cases: str, **wanted: Unpack[Wanted]) -> "pd.DataFrame":
        """A row a run, the newest first; with `cases`, of runs that measured any of them.

        `run` (str), `status`, `target`, `platform`, `isolation`, `machine`, `image`, `suite`
        (category), `started_at`, `ended_at` (datetime64[us, UTC]), `measurements`, `failures`,
        `skipped`, `launches_planned` (int64), `tags` (object: dict), `git_commit` (category),
        `git_dirty` (boolean), `jaxrig_version` (category).
        """
        from harness.frames import frame
        from harness.store import kinds
        from harness.store.overview import read_runs

        return frame(self._read(read_runs, cases, wanted), kinds.RUNS)

    def history(self, *cases: str, **wanted: Unpack[Wanted]) -> "pd.DataFrame":
        """A row a case, machine, target and run, in this order and then by start.

        `case`, `machine` (fingerprint), `machine_name`, `target` (category), `run` (str),
        `started_at` (datetime64[us, UTC]), `launches` (int64: how many measured it), `median_s`
        (float64: over these launches, of the medians of their samples), `image` (digest), `jax`,
        `git_commit`, `suite`, `status`, `isolation` (category).
        """
        return self.query(*cases, **wanted)

    def query(
        self, *cases: str, metric: str | Sequence[str] = TIME.name, **wanted: Unpack[Wanted]
    ) -> "pd.DataFrame":
        """As `history`, with these metrics in place of `median_s`, all float64 and NaN where
        nothing tells them: `time` (`median_s`), `min_s`, `compile_time` (`compile_time_s`),
        `memory` (`peak_bytes`), `throughput` (`throughput_per_s`), `flops_per_s`, `bytes_per_s`.

        Where one of the last three is asked for there is the category `work_unit` as well: what
        `throughput_per_s` counts, nothing where it is FLOP.
        """
        from harness.frames import frame
        from harness.store.kinds import of_series
        from harness.store.series import read_series

        metrics = metrics_named([metric] if isinstance(metric, str) else metric)

        def read(connection: Connection, filters: Filters) -> Columns:
            return read_series(connection, filters, read_names(connection), metrics)

        return frame(self._read(read, cases, wanted), of_series(metrics))

    def measurements(
        self, *cases: str, samples: bool = False, **wanted: Unpack[Wanted]
    ) -> "pd.DataFrame":
        """A row a launch and case, in the order of measurement.

        `run` (str), `machine`, `target` (category), `started_at` (of the run), `launch` (index from
        0), `part` (int64), `case`, and every column of cases, benchmarks, measurements and programs
        in docs/schema.md but for their keys: texts are categories, times and rates float64, counts
        int64 (Int64 where they may be unknown), JSON objects. With `samples`, `samples_s` holds
        float64 arrays, None where they were pruned.
        """
        from harness.frames import frame
        from harness.store.every import MEASUREMENT_KINDS, read_measurements

        def read(connection: Connection, filters: Filters) -> Columns:
            return read_measurements(connection, filters, samples=samples)

        kinds = {k: v for k, v in MEASUREMENT_KINDS.items() if samples or k != "samples_s"}
        return frame(self._read(read, cases, wanted), kinds)

    def samples(self, *cases: str, **wanted: Unpack[Wanted]) -> "pd.DataFrame":
        """A row a sample, in order; of pruned measurements there are none.

        `case` (category), `run` (category), `launch`, `part`, `round` (int64: from 0), `sample_s`
        (float64: seconds per call).
        """
        from harness.frames import samples_frame
        from harness.store.every import read_samples

        return samples_frame(self._read(read_samples, cases, wanted))

    def sql(self, statement: str) -> "pd.DataFrame":
        """The answer to one SQL statement that only reads. Samples are arrays; other columns are
        as pandas infers them. Raises `UsageError` with the database's words."""
        import pandas as pd

        from harness.store.statement import read_statement

        with read_statement(self._url, statement) as (names, rows):
            found = list(zip(*rows, strict=True)) or [()] * len(names)
        columns = {name: list(values) for name, values in zip(names, found, strict=True)}
        return pd.DataFrame(columns)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(
        self,
        read: Callable[[Connection, Filters], Columns],
        cases: Collection[str],
        wanted: Wanted,
    ) -> Columns:
        filters = self._filters(cases, wanted)
        with database_errors(self._url), self._engine.connect() as connection:
            found = settled(connection, read(connection, as_marked(filters)), is_abandoned)
        return kept(found, filters.statuses)

    def _filters(self, cases: Collection[str], wanted: Wanted) -> Filters:
        told: dict[str, Any] = dict(wanted)
        unknown = told.keys() - Filters.__dataclass_fields__.keys()
        if unknown:
            raise UsageError(f"unknown filter {', '.join(sorted(unknown))}; see docs/querying.md")
        if isinstance(told.get("statuses"), str):
            told["statuses"] = [told["statuses"]]
        _refuse_other_than_text(told.get("tags", {}))
        for name in ("since", "until"):
            if name in told:
                told[name] = _aware(name, told[name])
        if "run" in told:
            from harness.store.reader import Reader

            with Reader(self._url) as reader:
                told["run"] = reader.run(told["run"]).run
        return Filters(cases=cases, **told)


def _refuse_other_than_text(tags: Mapping[str, object]) -> None:
    for key, value in tags.items():
        if not isinstance(value, str):
            raise UsageError(f"tags: {key!r}: {value!r} is no text; tags are, as in {str(value)!r}")


def _aware(name: str, value: datetime | str | None) -> datetime | None:
    if isinstance(value, str):
        try:
            return moment(value)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from error
    if value is not None and value.tzinfo is None:
        raise UsageError(f"{name}: {value} has no zone; add one, as in tzinfo=UTC")
    return value
