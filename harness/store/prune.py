"""Retention: of old runs the samples go, and a summary of each measurement stays."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)

from harness.store import sqlite
from harness.store.database import database_errors, open_for_reading, open_for_writing
from harness.store.models import AnchorRow, LaunchRow, MeasurementRow, PairingRow, RunRow
from harness.store.retry import Transactions

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RUNS_AT_ONCE = 20


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What went, or would go. `kept`: runs that are old enough, but tagged or pinned.
    `sample_bytes`: of packed samples."""

    runs: tuple[str, ...]
    measurements: int
    sample_bytes: int
    kept: int


def prune(
    url: str,
    before: datetime,
    *,
    whole_runs: bool,
    dry_run: bool,
    say: Callable[[str], None],
) -> Pruned:
    """Prunes runs that began before a moment. `whole_runs`: they go altogether, with what was said
    of them; else their samples, and the summary says what they were like.

    What is tagged, what is running, runs of an image that nights are measured with and those that
    bridge two such images stay as they are; whole runs also where they were measured in turns with
    one that stays. Each few runs are a transaction: who interrupts it keeps what
    was done, and can go on. SQLite's file is then made smaller. No database is made, and a dry run
    upgrades none. Raises `DatabaseFailure`.
    """
    engine = open_for_reading(url) if dry_run else open_for_writing(url, say, make=False)
    try:
        with database_errors(url), engine.connect() as connection:
            runs, found = _found(connection, before, whole_runs)
        if dry_run:
            return found
        with closing(Transactions(engine, url, say)) as transactions:
            for part in _parts(runs):
                transactions.run(partial(_prune, runs=part, whole_runs=whole_runs))
        if engine.dialect.name == "sqlite":  # PostgreSQL sees to it by itself
            with database_errors(url):
                sqlite.give_back(engine, pruned=bool(runs))
        return found
    finally:
        engine.dispose()


def _found(connection: Connection, before: datetime, whole_runs: bool) -> tuple[list[int], Pruned]:
    query = select(RunRow.id, RunRow.name).where(RunRow.started_at < before)
    old = connection.execute(query.where(RunRow.status != "running").order_by(RunRow.id)).all()
    kept = set(connection.execute(select(RunRow.id).where(_is_kept())).scalars())
    if whole_runs:  # a pairing is of two: where one stays, so does the other
        kept |= _partners(connection, kept | _young(connection, before))
        going = [run for run in old if run.id not in kept]
    else:
        there = set(connection.execute(select(RunRow.id).where(_has_samples())).scalars())
        going = [run for run in old if run.id not in kept and run.id in there]
    counts = [_counts(connection, [run.id for run in part], whole_runs) for part in _parts(going)]
    return [run.id for run in going], Pruned(
        runs=tuple(run.name for run in going),
        measurements=sum(count for count, _ in counts),
        sample_bytes=sum(size for _, size in counts),
        kept=sum(run.id in kept for run in old),
    )


def _young(connection: Connection, before: datetime) -> set[int]:
    running = RunRow.status == "running"
    query = select(RunRow.id).where(or_(RunRow.started_at >= before, running))
    return set(connection.execute(query).scalars())


def _partners(connection: Connection, runs: set[int]) -> set[int]:
    pairs = connection.execute(select(PairingRow.base_run_id, PairingRow.candidate_run_id)).all()
    return {run for pair in pairs if runs & set(pair) for run in pair}


def _is_kept() -> ColumnElement[bool]:
    """Tagged; of an image that nights are measured with; or a bridge between two such images."""
    bridges = select(AnchorRow.bridge_pairing_id).where(AnchorRow.bridge_pairing_id.is_not(None))
    ends = (PairingRow.base_run_id, PairingRow.candidate_run_id)
    return or_(
        cast(RunRow.tags, Text) != "{}",
        func.coalesce(RunRow.image_id, -1).in_(select(AnchorRow.image_id)),
        *(RunRow.id.in_(select(end).where(PairingRow.id.in_(bridges))) for end in ends),
    )


def _has_samples() -> ColumnElement[bool]:
    return (
        select(MeasurementRow.id)
        .join(LaunchRow, MeasurementRow.launch_id == LaunchRow.id)
        .where(LaunchRow.run_id == RunRow.id, MeasurementRow.samples_s.is_not(None))
        .exists()
    )


def _of_runs(runs: Sequence[int]) -> ColumnElement[bool]:
    return MeasurementRow.launch_id.in_(select(LaunchRow.id).where(LaunchRow.run_id.in_(runs)))


def _counts(connection: Connection, runs: Sequence[int], whole_runs: bool) -> tuple[int, int]:
    size = func.coalesce(func.sum(func.length(MeasurementRow.samples_s)), 0)
    query = select(func.count(MeasurementRow.id), size).where(_of_runs(runs))
    if not whole_runs:
        query = query.where(MeasurementRow.samples_s.is_not(None))
    count, size_bytes = connection.execute(query).one()
    return int(count), int(size_bytes)


def _prune(connection: Connection, *, runs: Sequence[int], whole_runs: bool) -> None:
    if whole_runs:
        connection.execute(delete(RunRow).where(RunRow.id.in_(runs)))
        return
    query = select(MeasurementRow.id, MeasurementRow.samples_s).where(
        _of_runs(runs), MeasurementRow.samples_s.is_not(None)
    )
    for row in connection.execute(query).all():
        connection.execute(
            update(MeasurementRow)
            .where(MeasurementRow.id == row.id)
            .values(samples_s=None, summary=summary(row.samples_s))
        )


def summary(samples: "NDArray[Any]") -> dict[str, float | None]:
    """Of samples in seconds, shape (rounds,): what the column `summary` tells. One sample has no
    standard deviation."""
    import numpy as np

    low, first, third, high = np.quantile(samples, [0.0, 0.25, 0.75, 1.0])
    return {
        "min_s": float(low),
        "q1_s": float(first),
        "q3_s": float(third),
        "max_s": float(high),
        "mean_s": float(np.mean(samples)),
        "stddev_s": float(np.std(samples, ddof=1)) if len(samples) > 1 else None,
    }


def _parts(runs: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(runs), _RUNS_AT_ONCE):
        yield runs[start : start + _RUNS_AT_ONCE]
