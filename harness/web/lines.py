"""Series of one place: of a case with all that its points know, of many their values alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.changes import Series, lines_of_nights, series_of_nights, series_of_runs
from harness.lives import nights_of
from harness.report.site.cases import Drawn
from harness.report.site.sparkline import MOST
from harness.store.columns import Columns
from harness.store.filters import Filters
from harness.store.medians import read_medians
from harness.store.places import Place, read_in_turns
from harness.store.points import Measured, as_series, began
from harness.store.reader import Run
from harness.web.source import Reading

Reached = tuple[str, int]
"""When the last one of a line began, and how many there are."""


def series_of(
    reading: Reading,
    case: str,
    place: Place,
    measured: Sequence[Measured],
    floor: Callable[[str], float],
) -> Iterator[Series]:
    """Of runs that were not measured in turns, and of nights. `measured`: the case's there."""
    apart = {run.run: run for run in _apart(reading, place).values()}
    yield from series_of_runs(as_series({case: measured}, apart, reading.known.names), floor)
    if not reading.known.any_pairings:
        return
    nights = series_of_nights(_nights(reading, place, [case]), floor)
    yield from (each for each in nights if each.where["case"] == case)  # not a glob, if it looks so


def lines_of(reading: Reading, place: Place, cases: Sequence[str]) -> Mapping[str, Drawn]:
    """By case: the line that reaches furthest, of several the longest; of the newest runs."""
    found: dict[str, tuple[Reached, Drawn]] = {}
    for case, reached, line in (*_runs(reading, place, cases), *_of_nights(reading, place, cases)):
        if case not in found or found[case][0] < reached:
            found[case] = reached, line
    return {case: line for case, (_, line) in found.items()}


def _apart(reading: Reading, place: Place, newest: int | None = None) -> Mapping[int, Run]:
    """Runs there that were not measured in turns, in the order in which they began."""
    ids = reading.runs_there(place)
    ids = ids if newest is None else ids[-newest:]
    turns = read_in_turns(reading.connection, ids) if reading.known.any_pairings else set()
    found = reading.runs(ids)
    return {key: found[key] for key in ids if key not in turns}


def _nights(reading: Reading, place: Place, cases: Sequence[str]) -> Columns:
    filters = Filters(cases=cases, machine=place.machine, target=place.target)
    return nights_of(reading.connection, filters, reading.known.names)


MOST_RUNS = MOST
"""Of a place, the newest ones, that a line of a table shows: as many points as it draws."""


def _runs(
    reading: Reading, place: Place, cases: Sequence[str]
) -> Iterator[tuple[str, Reached, Drawn]]:
    runs = _apart(reading, place, MOST_RUNS)
    rows = [key for case in cases for key in reading.known.rows_of_case(case)]
    values: dict[tuple[str, str], list[float]] = {}
    last: dict[tuple[str, str], Run] = {}
    for case, run, median_s in read_medians(reading.connection, list(runs), rows):
        key = reading.known.names.cases[case], runs[run].isolation
        values.setdefault(key, []).append(median_s)
        last[key] = runs[run]
    for key, line in values.items():
        yield key[0], (began(last[key]), len(line)), Drawn(unit="s", values=line)


def _of_nights(
    reading: Reading, place: Place, cases: Sequence[str]
) -> Iterator[tuple[str, Reached, Drawn]]:
    if not reading.known.any_pairings:
        return
    for line in lines_of_nights(_nights(reading, place, cases)):
        values = [point.value for point in line.points]
        reached = line.points[-1].started_at, len(values)
        yield line.where["case"], reached, Drawn(unit="ratio", values=values)
