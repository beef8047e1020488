"""Where what a page shows was measured: as it is asked for, or where there was a run last."""

from collections.abc import Sequence

from harness.report.site.facts import short
from harness.store.filters import Filters, machines_named
from harness.store.places import Place, places_of
from harness.web.source import Reading


def places(reading: Reading, filters: Filters, most: int = 1) -> Sequence[Place]:
    """Those that meet these, where there was a run last first. One that is asked for by name is
    not looked for among runs: it may be long ago that there was one."""
    named = _named(reading, filters)
    if named is not None:
        return [named]
    return places_of(reading.connection, filters, reading.known.names, most)


def _named(reading: Reading, filters: Filters) -> Place | None:
    names = reading.known.names
    if filters.machine is None or filters.target is None:
        return None
    meant = {names.machines[key].counts_as for key in machines_named(filters.machine, names)}
    return Place(machine=meant.pop(), target=filters.target) if len(meant) == 1 else None


def told(reading: Reading, place: Place) -> str:
    """`cpu on node07 (00070007…)`."""
    return f"{place.target} on {reading.known.host_names[place.machine]} ({short(place.machine)})"
