"""Nights over time: a row a case and night, with its ratio to the anchor of that night."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, cast, select

from harness.store import filters as conditions
from harness.store.columns import Columns
from harness.store.filters import Filters, matches
from harness.store.names import Names
from harness.store.tables import ANCHORS, LAUNCHES, NIGHTS, PAIRINGS, RUNS, VERDICTS

_FEW = 100
"""Cases: a longer list takes longer to tell than the others to read."""

_WHERE = ("case", "machine", "machine_name", "target", "isolation")
NAMES = (
    *_WHERE,
    *("run", "started_at", "image", "jax", "git_commit", "suite", "ratio"),
    *("anchor", "bridged_anchor", "bridge_ratio"),
)


def read_nights(
    connection: Connection, filters: Filters, names: Names, *, least_pairs: int
) -> Columns:
    """Columns of `NAMES`, ordered by case, machine, target, isolation, anchor and start, of nights
    that came to so many launch pairs. `names`: those that are there.

    `run`: that of the night's image. `anchor`: a number, the one that was pinned first comes first;
    `bridged_anchor`: which one it was measured with when it was pinned, and `bridge_ratio` the new
    one's to that, None where it was not.
    """
    rows = connection.execute(_nights(filters, names, connection.dialect.name, least_pairs)).all()
    bridges = {
        (row.anchor, row.case): (row.bridged_anchor, row.ratio)
        for row in connection.execute(_bridges())
    }
    digests = {key: image.digest for key, image in names.images.items()}
    host_names = {each.fingerprint: each.name for each in names.machines.values()}
    found = []
    for row in rows:
        jax = names.jax.get(row.environment_id)
        if filters.cases and not matches(row.case, filters.cases):
            continue
        if filters.jax not in (None, jax):
            continue
        machine = names.machines[row.machine_id].counts_as
        bridged = bridges.get((row.anchor, row.case), (None, None))
        told = row._asdict() | {
            "machine": machine,
            "machine_name": host_names[machine],
            "image": digests.get(row.image_id),
            "jax": jax,
            **dict(zip(("bridged_anchor", "bridge_ratio"), bridged, strict=True)),
        }
        found.append(tuple(told[name] for name in NAMES))
    found.sort(key=lambda row: row[: len(_WHERE)])  # stable: of equal ones as they were read
    columns = list(zip(*found, strict=True)) or [()] * len(NAMES)
    return {name: list(values) for name, values in zip(NAMES, columns, strict=True)}


def _nights(filters: Filters, names: Names, dialect: str, least_pairs: int) -> Select[Any]:
    return (
        select(
            VERDICTS.c.case,
            RUNS.c.machine_id,
            RUNS.c.target,
            RUNS.c.isolation,
            RUNS.c.name.label("run"),
            cast(RUNS.c.started_at, Text).label("started_at"),
            RUNS.c.image_id,
            LAUNCHES.c.environment_id,
            RUNS.c.git_commit,
            RUNS.c.suite,
            ANCHORS.c.id.label("anchor"),
            VERDICTS.c.ratio,
        )
        .select_from(NIGHTS)
        .join(PAIRINGS, PAIRINGS.c.id == NIGHTS.c.pairing_id)
        .join(ANCHORS, ANCHORS.c.id == NIGHTS.c.anchor_id)
        .join(VERDICTS, VERDICTS.c.pairing_id == PAIRINGS.c.id)
        .join(RUNS, RUNS.c.id == PAIRINGS.c.candidate_run_id)
        .outerjoin(
            LAUNCHES,
            (LAUNCHES.c.run_id == RUNS.c.id) & (LAUNCHES.c.index == 0) & (LAUNCHES.c.part == 0),
        )
        .where(
            VERDICTS.c.metric == "time",
            VERDICTS.c.ratio.is_not(None),
            VERDICTS.c.pairs >= least_pairs,
            *_of_cases(filters, names),
            *conditions.runs(filters, names, dialect),
        )
        .order_by(ANCHORS.c.pinned_at, ANCHORS.c.id, RUNS.c.started_at, PAIRINGS.c.id)
    )


def _of_cases(filters: Filters, names: Names) -> list[ColumnElement[bool]]:
    """Where few cases are meant: of a night every one has its verdict. Whatever this lets pass is
    looked at once more."""
    meant = {*filters.cases, *(x for x in names.cases.values() if matches(x, filters.cases))}
    return [VERDICTS.c.case.in_(meant)] if filters.cases and len(meant) <= _FEW else []


def _bridges() -> Select[Any]:
    """Whatever is asked for of nights, they are tied by these."""
    return (
        select(
            ANCHORS.c.id.label("anchor"),
            NIGHTS.c.anchor_id.label("bridged_anchor"),
            VERDICTS.c.case,
            VERDICTS.c.ratio,
        )
        .select_from(ANCHORS)
        .join(NIGHTS, NIGHTS.c.pairing_id == ANCHORS.c.bridge_pairing_id)
        .join(VERDICTS, VERDICTS.c.pairing_id == NIGHTS.c.pairing_id)
        .where(VERDICTS.c.metric == "time", VERDICTS.c.ratio.is_not(None))
    )
