"""Runs by what they were run on and with; the columns of `jaxrig runs`."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, or_, select

from harness.store import filters as conditions
from harness.store.columns import Columns, among, columns_of
from harness.store.filters import Condition, Filters
from harness.store.kinds import RUNS as KINDS
from harness.store.names import Names, read_names
from harness.store.places import has_measured
from harness.store.reader import Run
from harness.store.tables import LAUNCHES, MEASUREMENTS, OVERVIEW, RUNS


def read_runs(connection: Connection, filters: Filters) -> Columns:
    """The newest first. `started_at` and `ended_at` are text: UTC, as ISO 8601."""
    names, dialect = read_names(connection), connection.dialect.name
    meant = select(RUNS.c.id).where(*conditions.runs(filters, names, dialect))
    if filters.cases or filters.jax is not None:
        measured = conditions.measured(filters, names, dialect)
        launches = LAUNCHES.join(MEASUREMENTS, MEASUREMENTS.c.launch_id == LAUNCHES.c.id)
        meant = select(LAUNCHES.c.run_id).select_from(launches).where(*measured)
    query = (
        select(*(_column(name) for name in KINDS))
        .where(OVERVIEW.c.id.in_(meant))
        .order_by(OVERVIEW.c.started_at.desc(), OVERVIEW.c.id.desc())
    )
    return dict(zip(KINDS, columns_of(connection.execute(query)), strict=True))


def read_runs_of(connection: Connection, ids: Collection[int]) -> dict[int, Run]:
    """These rows, by their ids, as they are marked."""
    columns = [OVERVIEW.c.id, *(OVERVIEW.c[name] for name in KINDS)]
    query = select(*columns).where(among(OVERVIEW.c.id, ids))
    return {
        key: Run(**dict(zip(KINDS, told, strict=True))) for key, *told in connection.execute(query)
    }


def page_of_runs(
    connection: Connection,
    filters: Filters,
    names: Names,
    *,
    gone: Collection[str],
    limit: int,
    offset: int,
) -> list[int]:
    """The rows of a page, the newest first; no more are looked at than come before its end.

    `gone`: runs that are marked as running and were interrupted. `filters.statuses` mean what is
    so, not what is marked.
    """
    return list(
        connection.execute(
            _page(filters, names, gone, connection.dialect.name).limit(limit).offset(offset)
        ).scalars()
    )


def _page(filters: Filters, names: Names, gone: Collection[str], dialect: str) -> Select[int]:
    of_runs = conditions.runs(replace(filters, statuses=()), names, dialect)
    if filters.statuses:
        of_runs.append(_is_so(filters.statuses, gone))
    if filters.cases or filters.jax is not None:
        of_runs.append(has_measured(filters, names))
    newest = (RUNS.c.started_at.desc(), RUNS.c.id.desc())
    return select(RUNS.c.id).where(*of_runs).order_by(*newest)


def _is_so(statuses: Collection[str], gone: Collection[str]) -> Condition:
    row = RUNS.c
    marked: Condition = row.status.in_(statuses)
    interrupted: Condition = row.name.in_(gone)
    if "interrupted" in statuses:
        return or_(marked, interrupted)
    return and_(marked, ~interrupted)


def _column(name: str) -> ColumnElement[Any]:
    moment = KINDS[name] == "moment"
    return cast(OVERVIEW.c[name], Text).label(name) if moment else OVERVIEW.c[name]
