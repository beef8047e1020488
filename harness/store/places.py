"""Places, which are a machine, a target and an isolation, and the newest run of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from harness.store import filters as conditions
from harness.store.columns import among
from harness.store.filters import Condition, Filters
from harness.store.names import Names
from harness.store.reader import CEILINGS
from harness.store.tables import LAUNCHES, MEASUREMENTS, PAIRINGS, RUNS

_LOOKED_AT = 500
"""Runs, the newest ones, among which the places of a case are looked for."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """`machine`: the fingerprint of what it counts as."""

    machine: str
    target: str


def newest_by_place(connection: Connection, filters: Filters, names: Names) -> list[int]:
    """Of each place the row of the newest run that measured anything, the newest first; none of
    ceilings, and none that others were compared with in turns."""
    row = RUNS.c
    place = (row.machine_id, row.target, row.isolation)
    newest = (row.started_at.desc(), row.id.desc())
    ranked = (
        select(
            row.id,
            row.started_at,
            func.row_number().over(partition_by=place, order_by=newest).label("back"),
        )
        .where(
            row.suite != CEILINGS,
            ~exists().where(PAIRINGS.c.base_run_id == row.id),
            has_measured(Filters(), names),
            *conditions.runs(filters, names, connection.dialect.name),
        )
        .subquery()
    )
    query = (
        select(ranked.c.id)
        .where(ranked.c.back == 1)
        .order_by(ranked.c.started_at.desc(), ranked.c.id.desc())
    )
    return list(connection.execute(query).scalars())


def places_of(connection: Connection, filters: Filters, names: Names, most: int) -> Sequence[Place]:
    """Where what is asked for was measured last, at most so many; among the newest runs alone."""
    query = _newest_measured(filters, names, connection.dialect.name).limit(_LOOKED_AT)
    found: dict[Place, None] = {}
    for machine, target in connection.execute(query):
        if len(found) == most:
            break
        found[Place(machine=names.machines[machine].counts_as, target=target)] = None
    return list(found)


def last_nights(
    connection: Connection, filters: Filters, names: Names, *, each: int, most: int
) -> list[int]:
    """Of each place the rows of the newest runs that were compared with others in turns, `each` at
    most; `most` of all places together, the newest first."""
    row = RUNS.c
    place, newest = (
        (row.machine_id, row.target, row.isolation),
        (row.started_at.desc(), row.id.desc()),
    )
    candidates = select(PAIRINGS.c.candidate_run_id)
    ranked = (
        select(
            row.id,
            row.started_at,
            func.row_number().over(partition_by=place, order_by=newest).label("back"),
        )
        .where(
            row.id.in_(candidates),
            *conditions.runs(filters, names, connection.dialect.name),
        )
        .subquery()
    )
    query = (
        select(ranked.c.id)
        .where(ranked.c.back <= each)
        .order_by(ranked.c.started_at.desc(), ranked.c.id.desc())
        .limit(most)
    )
    return list(connection.execute(query).scalars())


def has_measured(filters: Filters, names: Names) -> Condition:
    """Of a row of `runs`: whether any launch of it measured such a case, with such a JAX. Unlike
    `filters.measured` it is answered run by run, so that a page ends where it is full."""
    asked: list[ColumnElement[bool]] = [LAUNCHES.c.run_id == RUNS.c.id]
    if filters.cases:
        asked.append(among(MEASUREMENTS.c.case_id, cases_meant(filters, names)))
    if filters.jax is not None:
        environments = {key for key, jax in names.jax.items() if jax == filters.jax}
        asked.append(among(LAUNCHES.c.environment_id, environments))
    measured = LAUNCHES.join(MEASUREMENTS, MEASUREMENTS.c.launch_id == LAUNCHES.c.id)
    return exists().select_from(measured).where(*asked)


def cases_meant(filters: Filters, names: Names) -> set[int]:
    """Ids of the cases that are asked for."""
    return {
        key
        for key, name in names.cases.items()
        if not filters.cases or conditions.matches(name, filters.cases)
    }


def _newest_measured(filters: Filters, names: Names, dialect: str) -> Select[int, str]:
    row = RUNS.c
    return (
        select(row.machine_id, row.target)
        .where(has_measured(filters, names), *conditions.runs(filters, names, dialect))
        .order_by(row.started_at.desc(), row.id.desc())
    )
