"""Places, which are a machine and a target, and the newest runs there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, or_, select

from harness.store import filters as conditions
from harness.store.columns import among, told_later
from harness.store.filters import Condition, Filters, cases_meant
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


_ROW = RUNS.c
_NEWEST = (_ROW.started_at.desc(), _ROW.id.desc())
_IN_PLACE = (_ROW.machine_id, _ROW.target, _ROW.isolation)

_THERE = (
    select(_ROW.id)
    .where(told_later(_ROW.machine_id, "machines"), _ROW.target == bindparam("target"))
    .order_by(_ROW.started_at, _ROW.id)
)
_TIED = select(PAIRINGS.c.base_run_id, PAIRINGS.c.candidate_run_id).where(
    or_(told_later(PAIRINGS.c.base_run_id, "runs"), told_later(PAIRINGS.c.candidate_run_id, "runs"))
)


def read_there(connection: Connection, place: Place, names: Names) -> list[int]:
    """Rows of all runs there, in the order in which they began."""
    machines = [key for key, each in names.machines.items() if each.counts_as == place.machine]
    told = {"machines": machines, "target": place.target}
    return list(connection.execute(_THERE, told).scalars())


def read_in_turns(connection: Connection, runs: Collection[int]) -> set[int]:
    """Of these rows of runs, those that were measured in turns with another."""
    tied = connection.execute(_TIED, {"runs": list(runs)})
    return {run for both in tied for run in both}.intersection(runs)


def newest_by_place(connection: Connection, filters: Filters, names: Names) -> list[int]:
    """Of each machine, target and isolation the row of the newest run that measured anything, the
    newest first; none of ceilings, and none that others were compared with in turns."""
    asked = (
        _ROW.suite != CEILINGS,
        ~exists().where(PAIRINGS.c.base_run_id == _ROW.id),
        has_measured(Filters(), names),
        *conditions.runs(filters, names, connection.dialect.name),
    )
    return list(connection.execute(_last(asked, 1)).scalars())


def last_nights(
    connection: Connection, filters: Filters, names: Names, *, each: int, most: int
) -> list[int]:
    """Likewise the rows of the newest runs that were compared with others in turns, `each` at most;
    `most` of all together."""
    candidates = select(PAIRINGS.c.candidate_run_id)
    asked = (_ROW.id.in_(candidates), *conditions.runs(filters, names, connection.dialect.name))
    return list(connection.execute(_last(asked, each).limit(most)).scalars())


def _last(asked: Sequence[ColumnElement[bool]], each: int) -> Select[int]:
    back = func.row_number().over(partition_by=_IN_PLACE, order_by=_NEWEST).label("back")
    ranked = select(_ROW.id, _ROW.started_at, back).where(*asked).subquery()
    newest = (ranked.c.started_at.desc(), ranked.c.id.desc())
    return select(ranked.c.id).where(ranked.c.back <= each).order_by(*newest)


def places_of(connection: Connection, filters: Filters, names: Names, most: int) -> Sequence[Place]:
    """Where what is asked for was measured last, at most so many; among the newest runs alone."""
    query = _newest_measured(filters, names, connection.dialect.name).limit(_LOOKED_AT)
    found: dict[Place, None] = {}
    for machine, target in connection.execute(query):
        if len(found) == most:
            break
        found[Place(machine=names.machines[machine].counts_as, target=target)] = None
    return list(found)


def has_measured(filters: Filters, names: Names) -> Condition:
    """Of a row of `runs`: whether any launch of it measured such a case, with such a JAX. Unlike
    `filters.measured` it is answered run by run, so that a page ends where it is full.

    One within the other: of a join SQLite would begin with the case, for each run anew.
    """
    measured = [MEASUREMENTS.c.launch_id == LAUNCHES.c.id]
    if filters.cases:
        measured.append(among(MEASUREMENTS.c.case_id, cases_meant(filters, names)))
    launched = [LAUNCHES.c.run_id == _ROW.id]
    if filters.jax is not None:
        environments = {key for key, jax in names.jax.items() if jax == filters.jax}
        launched.append(among(LAUNCHES.c.environment_id, environments))
    return exists().where(*launched, exists().where(*measured))


def _newest_measured(filters: Filters, names: Names, dialect: str) -> Select[int, str]:
    of_runs = conditions.runs(filters, names, dialect)
    return (
        select(_ROW.machine_id, _ROW.target)
        .where(has_measured(filters, names), *of_runs)
        .order_by(*_NEWEST)
    )
