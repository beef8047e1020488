"""Whether a database is sound: the file, what rows refer to, and the samples themselves."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import Connection, LargeBinary, func, select, type_coerce

from harness.store.database import SCHEMA_VERSION, database_errors, open_for_reading
from harness.store.models import LaunchRow, MeasurementRow, RunRow
from harness.store.packing import unpack

_CHUNK = 5000
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
            yield from _open_launches(connection)
            yield _samples(connection)
    finally:
        engine.dispose()


def _pragma(connection: Connection, name: str, pragma: str) -> Checked:
    rows = [tuple(row) for row in connection.exec_driver_sql(f"PRAGMA {pragma}")]
    wrong = [row for row in rows if row != ("ok",)]
    if not wrong:
        return Checked(check=name, ok=True, found="ok")
    told = "; ".join(" ".join(map(str, row)) for row in wrong[:_NAMED])
    return Checked(check=name, ok=False, found=f"{len(wrong)} problem(s): {told}")


def _open_launches(connection: Connection) -> Iterator[Checked]:
    """A run that ended has no launch that goes on."""
    query = (
        select(RunRow.name)
        .distinct()
        .join(LaunchRow, LaunchRow.run_id == RunRow.id)
        .where(RunRow.status != "running", LaunchRow.status == "running")
    )
    names = connection.execute(query).scalars().all()
    runs = connection.scalar(select(func.count(RunRow.id)))
    told = f"launches that go on in runs that ended: {', '.join(names[:_NAMED])}"
    yield Checked(check="runs", ok=not names, found=told if names else f"{runs} runs")


def _samples(connection: Connection) -> Checked:
    """Every measurement's can be unpacked, are as many as is told, and have that median."""
    wrong: list[str] = []
    seen = 0
    for row in _measurements(connection):
        seen += 1
        problem = _problem(row)
        if problem:
            wrong.append(f"measurement {row.id}: {problem}")
    if wrong:
        told = "; ".join(wrong[:_NAMED])
        return Checked(check="samples", ok=False, found=f"{len(wrong)} of {seen}: {told}")
    return Checked(check="samples", ok=True, found=f"{seen} measurements")


def _problem(row: Any) -> str | None:
    if row.samples_s is None:
        return None  # pruned, or never told
    try:
        samples: list[float] = unpack(row.samples_s).tolist()
    except (ValueError, struct.error) as error:
        return f"samples cannot be unpacked ({error})"
    if len(samples) != row.rounds:
        return f"{len(samples)} samples of {row.rounds} rounds"
    if median(samples) != row.median_s:
        return f"a median of {median(samples)} and not {row.median_s}"
    return None


def _measurements(connection: Connection) -> Iterator[Any]:
    """In chunks: a year does not fit into memory. Samples as they are stored."""
    last = -1
    columns = (
        MeasurementRow.id,
        type_coerce(MeasurementRow.samples_s, LargeBinary).label("samples_s"),
        MeasurementRow.rounds,
        MeasurementRow.median_s,
    )
    while True:
        query = select(*columns).where(MeasurementRow.id > last)
        rows = connection.execute(query.order_by(MeasurementRow.id).limit(_CHUNK)).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].id
