"""Whether a database is sound: the file, what rows refer to, samples, logs and regressions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    func,
    or_,
    select,
    type_coerce,
)

from harness.store.damage import Damaged
from harness.store.database import SCHEMA_VERSION, database_errors, open_for_reading
from harness.store.models import LaunchRow, MeasurementRow, RegressionRow, RunRow
from harness.store.packing import unpack
from harness.store.types import decompressed

_ROWS_AT_ONCE = 100
_NAMED = 5
"""Of what is wrong, so much is told by name."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One thing that was looked at. `found`: what was wrong, or what was there."""

    check: str
    ok: bool
    found: str


def check(url: str) -> Iterator[Checked]:
    """Everything, as it is found. Raises `DatabaseFailure` where it cannot even be read."""
    engine = open_for_reading(url)
    try:
        yield Checked(check="schema", ok=True, found=SCHEMA_VERSION)
        with database_errors(url), engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                yield _pragma(connection, "file", "integrity_check")
                yield _pragma(connection, "references", "foreign_key_check")
            yield _launches(connection)
            yield _samples(connection)
            yield _regressions(connection)
    finally:
        engine.dispose()


def _pragma(connection: Connection, name: str, pragma: str) -> Checked:
    rows = [tuple(row) for row in connection.exec_driver_sql(f"PRAGMA {pragma}")]
    wrong = [row for row in rows if row != ("ok",)]
    if not wrong:
        return Checked(check=name, ok=True, found="ok")
    told = "; ".join(" ".join(map(str, row)) for row in wrong[:_NAMED])
    return Checked(check=name, ok=False, found=f"{len(wrong)} problem(s): {told}")


def _launches(connection: Connection) -> Checked:
    """A run that ended has no launch that goes on; every launch's log can be read."""
    open_ones = (
        select(RunRow.name)
        .distinct()
        .join(LaunchRow, LaunchRow.run_id == RunRow.id)
        .where(RunRow.status != "running", LaunchRow.status == "running")
    )
    names = connection.execute(open_ones).scalars().all()
    wrong = [f"{name}: a launch goes on in a run that ended" for name in names]
    logs = select(LaunchRow.id, _as_stored(LaunchRow.log).label("log"))
    for row in _rows(connection, logs.where(LaunchRow.log.is_not(None))):
        try:
            decompressed(row.log)
        except Damaged as error:
            wrong.append(f"the log of launch {row.id}: {error}")
    runs = connection.scalar(select(func.count(RunRow.id)))
    return _checked("runs", wrong, f"{runs} runs")


def _samples(connection: Connection) -> Checked:
    """Every measurement's can be unpacked, are as many as is told, and have that median."""
    query = select(
        MeasurementRow.id,
        _as_stored(MeasurementRow.samples_s).label("samples_s"),
        MeasurementRow.rounds,
        MeasurementRow.median_s,
    )
    wrong: list[str] = []
    seen = 0
    for row in _rows(connection, query):
        seen += 1
        problem = _problem(row)
        if problem:
            wrong.append(f"measurement {row.id}: {problem}")
    return _checked("samples", wrong, f"{seen} measurements")


def _regressions(connection: Connection) -> Checked:
    """Of each whose first run is there: it tells the same target, isolation and start."""
    of = RegressionRow
    unlike = or_(
        RunRow.target != of.target,
        RunRow.isolation != of.isolation,
        RunRow.started_at != of.run_started_at,
    )
    query = select(of.name).join(RunRow, RunRow.name == of.run).where(unlike).order_by(of.id)
    names = connection.execute(query).scalars().all()
    wrong = [f"{name}: its first run is of another target, isolation or start" for name in names]
    count = connection.scalar(select(func.count(of.id)))
    return _checked("regressions", wrong, f"{count} regressions")


def _checked(name: str, wrong: list[str], seen: str) -> Checked:
    if not wrong:
        return Checked(check=name, ok=True, found=seen)
    told = "; ".join(wrong[:_NAMED])
    return Checked(check=name, ok=False, found=f"{len(wrong)} problem(s) in {seen}: {told}")


def _problem(row: Row[Any]) -> str | None:
    if row.samples_s is None:
        return None  # pruned, or never told
    try:
        samples = unpack(row.samples_s)
    except Damaged as error:
        return str(error)
    if len(samples) != row.rounds:
        return f"{len(samples)} samples of {row.rounds} rounds"
    if not np.all(np.isfinite(samples) & (samples > 0)):
        return "samples that are no times"
    median_s = float(np.median(samples))
    if median_s != row.median_s:
        return f"a median of {median_s} and not {row.median_s}"
    return None


def _rows(connection: Connection, query: Select[*tuple[Any, ...]]) -> Iterator[Row[Any]]:
    """A few in memory at once: a year does not fit, and samples are as long as they like."""
    streaming = {"stream_results": True, "max_row_buffer": _ROWS_AT_ONCE}
    with connection.execute(query, execution_options=streaming) as found:
        for rows in found.partitions(_ROWS_AT_ONCE):
            yield from rows


def _as_stored(column: Any) -> ColumnElement[bytes]:
    """What is packed as it is: whatever is wrong with it, it can be read."""
    return type_coerce(column, LargeBinary)
