"""Measurements with every column that there is, and their samples."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    cast,
    literal_column,
    select,
)

from harness.store import filters as conditions
from harness.store.columns import Columns, by_id, columns_of
from harness.store.filters import Filters
from harness.store.kinds import Kind, Kinds
from harness.store.models import Base
from harness.store.names import Names, read_names
from harness.store.tables import LAUNCHES, MEASUREMENTS, RUNS

_TABLES = Base.metadata.tables
_MEASURED = _TABLES["measurements"]
_REFERENCES = {"case_id": "cases", "benchmark_id": "benchmarks", "program_id": "programs"}
_KEYS = {"id", "sha256", "launch_id", "name", *_REFERENCES}

_OF_RUN = ("run", "machine", "target", "status", "started_at")

_PLACE: Kinds = {
    "run": "text",
    "machine": "category",
    "target": "category",
    "started_at": "moment",
    "launch": "whole",
    "part": "whole",
    "case": "category",
}


def _told(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in _KEYS]


def _kind(column: Column[Any]) -> Kind:
    # Of a program that a measurement lacks nothing is known: only its own columns are always told.
    always = column.table is _MEASURED and not column.nullable
    kinds: list[tuple[type[Any], Kind]] = [
        (JSON, "object"),
        (LargeBinary, "object"),
        (String, "category"),
        (Integer, "whole" if always else "count"),
        (Float, "float"),
    ]
    of = getattr(column.type, "impl_instance", column.type)
    return next(kind for type_, kind in kinds if isinstance(of, type_))


MEASUREMENT_KINDS: Kinds = dict(_PLACE) | {
    column.name: _kind(column)
    for table in ("cases", "benchmarks", "measurements", "programs")
    for column in _told(_TABLES[table])
}


def read_measurements(connection: Connection, filters: Filters, *, samples: bool) -> Columns:
    """A row a launch and case, in the order of measurement; the run's `status` as well."""
    own = [column for column in _told(_MEASURED) if samples or column.name != "samples_s"]
    # The conditions are on the plain table, which the model's would be another one beside.
    reads = [
        literal_column(f"measurements.{column.name}", column.type).label(column.name)
        for column in (*own, *(_MEASURED.c[name] for name in _REFERENCES))
    ]
    found = _measured(connection, filters, reads)
    for key, name in _REFERENCES.items():
        found |= _referred(connection, _TABLES[name], found.pop(key))
    return found


def read_samples(connection: Connection, filters: Filters) -> Columns:
    """`case`, `run`, `status`, `launch`, `part` and, packed, `samples_s`; in the order of
    measurement."""
    return _measured(connection, filters, [MEASUREMENTS.c.samples_s], present=True)


def _measured(
    connection: Connection,
    filters: Filters,
    reads: Sequence[ColumnElement[Any]],
    *,
    present: bool = False,
) -> Columns:
    """`_PLACE`, `status` and the columns that are read. `present`: only where there are samples."""
    names = read_names(connection)
    chosen = conditions.measured(filters, names, connection.dialect.name)
    if present:
        chosen.append(MEASUREMENTS.c.samples_s.is_not(None))
    query = (
        select(
            MEASUREMENTS.c.case_id,
            LAUNCHES.c.run_id,
            LAUNCHES.c.index,
            LAUNCHES.c.part,
            *reads,
        )
        .select_from(MEASUREMENTS.join(LAUNCHES, LAUNCHES.c.id == MEASUREMENTS.c.launch_id))
        .where(*chosen)
        .order_by(MEASUREMENTS.c.id)
    )
    cases, runs, launches, parts, *rest = columns_of(connection.execute(query))
    return {
        **_of_runs(connection, runs, names),
        "launch": launches,
        "part": parts,
        "case": [names.cases[case] for case in cases],
        **{column.name: values for column, values in zip(reads, rest, strict=True)},
    }


def _of_runs(connection: Connection, ids: Sequence[int], names: Names) -> Columns:
    wanted = ("id", "name", "machine_id", "target", "status")
    told = [*(RUNS.c[name] for name in wanted), cast(RUNS.c.started_at, Text)]
    keys, runs, machines, *rest = by_id(connection, RUNS, told, set(ids))
    places = {key: place for place, key in enumerate(keys)}
    values = (runs, [names.machines[key].counts_as for key in machines], *rest)
    return {
        name: [column[places[key]] for key in ids]
        for name, column in zip(_OF_RUN, values, strict=True)
    }


def _referred(connection: Connection, table: Table, ids: Sequence[int | None]) -> Columns:
    """What the rows say that the measurements refer to; None where they refer to none."""
    told = _told(table)
    wanted = {key for key in ids if key is not None}
    keys, *columns = by_id(connection, table, [table.c.id, *told], wanted)
    places: Mapping[int, int] = {key: place for place, key in enumerate(keys)}
    return {
        column.name: [None if key is None else values[places[key]] for key in ids]
        for column, values in zip(told, columns, strict=True)
    }
