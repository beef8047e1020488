"""Where what a page shows was measured: as it is asked for, or where there was a run last."""

from dataclasses import replace

from sqlalchemy import select

from harness.report.site.facts import short
from harness.store import filters as conditions
from harness.store.filters import Filters
from harness.store.places import Place, places_of
from harness.store.tables import RUNS
from harness.web.source import Reading

MOST_RUNS = 200
"""Of a place, the newest ones, that a line of a table shows."""


def place_of(reading: Reading, filters: Filters) -> Place | None:
    """The one that meets these, and has the newest run."""
    found = places_of(reading.connection, filters, reading.known.names, most=1)
    return found[0] if found else None


def at(filters: Filters, place: Place) -> Filters:
    return replace(filters, machine=place.machine, target=place.target)


def lately(reading: Reading, filters: Filters) -> Filters:
    """These, of the newest runs alone."""
    row, dialect = RUNS.c, reading.connection.dialect.name
    query = (
        select(row.started_at)
        .where(*conditions.runs(filters, reading.known.names, dialect))
        .order_by(row.started_at.desc())
        .offset(MOST_RUNS - 1)
        .limit(1)
    )
    return replace(filters, since=reading.connection.execute(query).scalar())


def told(reading: Reading, place: Place) -> str:
    """`cpu on node07`."""
    names = {each.fingerprint: each.name for each in reading.known.names.machines.values()}
    return f"{place.target} on {names[place.machine]} ({short(place.machine)})"
