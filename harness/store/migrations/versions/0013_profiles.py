"""Where the time of a case goes on its device."""

from alembic import op

from harness.store.migrations import tables as made_of

revision = "0013"
down_revision = "0012"

_TIMES = ("wall_s", "device_s", "other_operations_s")


def upgrade() -> None:
    name = "profiles"
    traced = " AND ".join(f"{column} BETWEEN 0 AND 1e300" for column in _TIMES)
    op.create_table(
        name,
        made_of.key(),
        made_of.reference("launch_id"),
        made_of.reference("case_id"),
        *made_of.counts("calls", nullable=False),
        *made_of.numbers("wall_s", nullable=False),
        *made_of.numbers("device_s"),
        *made_of.documents("operations"),
        *made_of.numbers("other_operations_s", nullable=False),
        made_of.check(name, "calls_positive", "calls >= 1"),
        made_of.check(name, "traced", traced),
        made_of.foreign_key(name, "launch_id", "launches", cascade=True),
        made_of.foreign_key(name, "case_id", "cases"),
        made_of.primary_key(name),
        made_of.unique(name, "launch_id", "case_id"),
    )
