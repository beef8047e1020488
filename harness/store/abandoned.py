"""Runs that ended without a word: still marked as running, and interrupted in truth."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from harness.store.columns import Columns, taken
from harness.store.filters import Filters
from harness.store.tables import OVERVIEW

if TYPE_CHECKING:
    from harness.store.reader import IsAbandoned


def settled(connection: Connection, columns: Columns, is_abandoned: "IsAbandoned") -> Columns:
    """The columns, of which `run` and `status` are two, with every run's status as it is."""
    if "running" not in columns["status"]:
        return columns
    told = zip(columns["run"], columns["status"], strict=True)
    running = {run for run, status in told if status == "running"}
    facts = (OVERVIEW.c.run, OVERVIEW.c.owner, OVERVIEW.c.deadline_at)
    found = connection.execute(select(*facts).where(OVERVIEW.c.run.in_(running)))
    gone = {run for run, owner, deadline_at in found if is_abandoned(owner, deadline_at)}
    told = zip(columns["run"], columns["status"], strict=True)
    return columns | {"status": ["interrupted" if run in gone else status for run, status in told]}


def as_marked(filters: Filters) -> Filters:
    """What must be read for these, where they name statuses; `kept` drops the rest."""
    if "interrupted" not in filters.statuses:
        return filters
    return replace(filters, statuses={*filters.statuses, "running"})


def kept(columns: Columns, statuses: Collection[str]) -> Columns:
    """The rows of these statuses; where none is named, all of them."""
    if not statuses:
        return columns
    rows = [row for row, status in enumerate(columns["status"]) if status in statuses]
    return taken(columns, rows)
