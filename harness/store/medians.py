"""What runs measured, and nothing else of it: a number a case."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from statistics import median

from sqlalchemy import Connection, select

from harness.store.columns import among, by_id, columns_of
from harness.store.names import Names
from harness.store.tables import LAUNCHES, MEASUREMENTS, RUNS


def read_medians(
    connection: Connection, runs: Collection[int], names: Names
) -> Mapping[str, Mapping[str, float]]:
    """`runs`: their rows. By their names: of each case the median of its launches' medians."""
    query = (
        select(LAUNCHES.c.run_id, MEASUREMENTS.c.case_id, MEASUREMENTS.c.median_s)
        .join(MEASUREMENTS, MEASUREMENTS.c.launch_id == LAUNCHES.c.id)
        .where(among(LAUNCHES.c.run_id, runs))
    )
    found: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run, case, median_s in zip(*columns_of(connection.execute(query)), strict=True):
        found[run][names.cases[case]].append(median_s)
    told = dict(zip(*by_id(connection, RUNS, [RUNS.c.id, RUNS.c.name], set(runs)), strict=True))
    return {
        told[run]: {case: median(values) for case, values in cases.items()}
        for run, cases in found.items()
    }
