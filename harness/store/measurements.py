"""Measurements with what they refer to: the query, and the columns that it gives."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, select

from harness.store.models import (
    BenchmarkRow,
    CaseRow,
    LaunchRow,
    MeasurementRow,
    ProgramRow,
)

if TYPE_CHECKING:
    import pandas as pd

_REFERENCES = {"id", "sha256", "launch_id", "case_id", "program_id", "benchmark_id"}

_EMPTY: dict[str, type[dict[str, Any]] | type[list[Any]]] = {"observations": dict, "warnings": list}
"""What is stored as nothing where there is none."""


def columns(*, samples: bool) -> tuple[ColumnElement[Any], ...]:
    """`launch`, `part`, `case`, and every other column of the tables that describe a measurement
    (docs/schema.md), but for their keys."""
    told = [
        column
        for model in (CaseRow, BenchmarkRow, MeasurementRow, ProgramRow)
        for column in model.__table__.columns
        if column.name not in _REFERENCES | {"name"} and (samples or column.name != "samples_s")
    ]
    return (
        LaunchRow.index.label("launch"),
        LaunchRow.part.label("part"),
        CaseRow.name.label("case"),
        *told,
    )


@cache
def measurements_query(*, samples: bool) -> Select[*tuple[Any, ...]]:
    """Of a run, whose row is told later as `run`, in the order of measurement. Made once: that
    takes as long as to read a hundred rows."""
    return (
        select(*columns(samples=samples))
        .select_from(LaunchRow)
        .join(MeasurementRow, MeasurementRow.launch_id == LaunchRow.id)
        .join(CaseRow, MeasurementRow.case_id == CaseRow.id)
        .outerjoin(ProgramRow, MeasurementRow.program_id == ProgramRow.id)
        .outerjoin(BenchmarkRow, MeasurementRow.benchmark_id == BenchmarkRow.id)
        .where(LaunchRow.run_id == bindparam("run"))
        .order_by(MeasurementRow.id)
    )


def as_records(rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """The rows of `measurements_query`, one by one."""
    records = [row._asdict() for row in rows]
    for record in records:
        for name, empty in _EMPTY.items():
            if record[name] is None:
                record[name] = empty()
    return records


def as_frame(rows: Sequence[Row[Any]], names: Sequence[str]) -> "pd.DataFrame":
    """The rows of `measurements_query`, column by column."""
    import pandas as pd

    by_name = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    for name, empty in _EMPTY.items():
        by_name[name] = tuple(empty() if each is None else each for each in by_name.get(name, ()))
    return pd.DataFrame({name: list(by_name.get(name, ())) for name in names})
