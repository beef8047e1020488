"""Regressions that were found, and what was decided of them."""

import sqlalchemy as sa
from alembic import op

from harness.store.migrations import tables as made_of

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    _make_regressions("regressions")
    _make_decisions("decisions")


def _make_regressions(name: str) -> None:
    op.create_table(
        name,
        made_of.key(),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        *made_of.texts("name", "case"),
        made_of.reference("machine_id"),
        *made_of.texts("target", "isolation", "unit", "run"),
        made_of.moment("run_started_at"),
        *made_of.numbers("ratio", nullable=False),
        made_of.moment("found_at"),
        made_of.moment("announced_at", nullable=True),
        made_of.moment("fixed_at", nullable=True),
        made_of.check(name, "unit_known", "unit IN ('s', 'ratio')"),
        made_of.check(name, "slower", "ratio > 1 AND ratio <= 1e300"),
        made_of.foreign_key(name, "machine_id", "machines"),
        made_of.primary_key(name),
        made_of.unique(name, "uuid"),
        made_of.unique(name, "name"),
    )
    op.create_index("ix_regressions_machine", name, ["machine_id"])


def _make_decisions(name: str) -> None:
    op.create_table(
        name,
        made_of.key(),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        made_of.reference("regression_id"),
        *made_of.texts("state", "reason", "who"),
        made_of.moment("decided_at"),
        made_of.check(name, "state_known", "state IN ('acknowledged', 'ignored', 'detected')"),
        made_of.check(name, "reason_told", "reason <> ''"),
        made_of.check(name, "who_told", "who <> ''"),
        made_of.foreign_key(name, "regression_id", "regressions", cascade=True),
        made_of.primary_key(name),
        made_of.unique(name, "uuid"),
    )
    op.create_index("ix_decisions_regression", name, ["regression_id"])
