"""What runs measured, and nothing else of it: numbers, by rows of runs and of cases."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from statistics import median

from sqlalchemy import Connection, Select, select

from harness.store.columns import columns_of, told_later
from harness.store.series import launched_by
from harness.store.tables import LAUNCHES, MEASUREMENTS

_MEDIANS: Select[int, int, float] = (
    select(MEASUREMENTS.c.case_id, LAUNCHES.c.run_id, MEASUREMENTS.c.median_s)
    .join(LAUNCHES, LAUNCHES.c.id == MEASUREMENTS.c.launch_id)
    .where(launched_by("runs"))
)
_OF_CASES = _MEDIANS.where(told_later(MEASUREMENTS.c.case_id, "cases"))
_CASES: Select[int] = select(MEASUREMENTS.c.case_id).where(launched_by("runs")).distinct()


def read_medians(
    connection: Connection, runs: Sequence[int], cases: Collection[int] | None = None
) -> Iterator[tuple[int, int, float]]:
    """Case, run, and the median of its launches' medians: of each case by itself the runs, in their
    order. `cases`: None: whichever."""
    told = {"runs": list(runs), "cases": list(cases or ())}
    result = connection.execute(_MEDIANS if cases is None else _OF_CASES, told)
    columns = columns_of(result)
    places = {run: place for place, run in enumerate(runs)}
    rows = sorted(zip(columns[0], map(places.__getitem__, columns[1]), columns[2], strict=True))
    for (case, place), some in groupby(rows, _CASE_AND_PLACE):
        medians_s = [each[2] for each in some]
        median_s = medians_s[0] if len(medians_s) == 1 else median(medians_s)
        yield case, runs[place], median_s


_CASE_AND_PLACE = itemgetter(0, 1)


def read_measured_cases(connection: Connection, runs: Collection[int]) -> set[int]:
    """That any of these runs measured."""
    return set(connection.execute(_CASES, {"runs": list(runs)}).scalars())
