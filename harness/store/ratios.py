"""Nights over time: a row a case and night, with its ratio to the anchor of that night."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Text, cast, select

from harness.store import filters as conditions
from harness.store.abandoned import settled
from harness.store.columns import Columns
from harness.store.filters import Filters, matches
from harness.store.listing import checked
from harness.store.names import Names
from harness.store.tables import ANCHORS, LAUNCHES, NIGHTS, PAIRINGS, RUNS, VERDICTS

if TYPE_CHECKING:
    from harness.store.reader import IsAbandoned

NAMES = (
    *("case", "machine", "machine_name", "target", "isolation", "run", "started_at", "image"),
    *("jax", "git_commit", "suite", "status", "anchor", "epoch", "bridge", "pairing", "ratio"),
)


def list_nights(url: str, filters: Filters, is_abandoned: "IsAbandoned") -> Columns:
    """Columns of `NAMES`, ordered by case, machine, target, isolation, anchor and start.

    `run`: that of the night's image. `anchor`: a number; `bridge`: of its epoch, the pairing in
    which it was measured with the anchor before it, None of the first. `pairing`: the night's.
    Raises as `listing.list_series`.
    """
    with checked(url, filters) as (connection, names):
        return settled(connection, _read(connection, filters, names), is_abandoned)


def _read(connection: Connection, filters: Filters, names: Names) -> Columns:
    rows = connection.execute(_query(filters, names, connection.dialect.name)).all()
    digests = {key: image.digest for key, image in names.images.items()}
    host_names = {each.fingerprint: each.name for each in names.machines.values()}
    found = []
    for row in rows:
        if filters.cases and not matches(row.case, filters.cases):
            continue
        machine = names.machines[row.machine_id].counts_as
        told = row._asdict() | {
            "machine": machine,
            "machine_name": host_names[machine],
            "image": digests.get(row.image_id),
            "jax": names.jax.get(row.environment_id),
        }
        found.append(tuple(told[name] for name in NAMES))
    found.sort(key=lambda row: row[:2] + row[3:5])  # stable: of equal ones as they were read
    columns = list(zip(*found, strict=True)) or [()] * len(NAMES)
    return {name: list(values) for name, values in zip(NAMES, columns, strict=True)}


def _query(filters: Filters, names: Names, dialect: str) -> Select[Any]:
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
            RUNS.c.status,
            ANCHORS.c.id.label("anchor"),
            ANCHORS.c.epoch,
            ANCHORS.c.bridge_pairing_id.label("bridge"),
            PAIRINGS.c.id.label("pairing"),
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
            *conditions.runs(filters, names, dialect),
        )
        .order_by(ANCHORS.c.pinned_at, ANCHORS.c.id, RUNS.c.started_at, PAIRINGS.c.id)
    )
