"""What the wider catalogue tells: work, storage and links, observations, skipped cases; cases
that nothing is compiled for have no stages."""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_FIRST = import_module("harness.store.migrations.versions.0001_first")
_STAGES = ("trace_s", "lower_s", "compile_s", "first_call_s")

SKIPPED = """(SELECT count(DISTINCT skips."case") FROM skips
          JOIN launches ON skips.launch_id = launches.id
         WHERE launches.run_id = runs.id) AS skipped"""

RUN_OVERVIEW = _FIRST.RUN_OVERVIEW.replace(" AS failures,", f" AS failures,\n       {SKIPPED},")


def checks() -> tuple[sa.CheckConstraint, ...]:
    """Of the measurements: SQLite copies the table, and tells no CHECK of the one it copies."""
    return (
        sa.CheckConstraint("calls_per_round >= 1", name=op.f("ck_measurements_calls_positive")),
        sa.CheckConstraint(
            "flops >= 0 AND bytes >= 0", name=op.f("ck_measurements_work_not_negative")
        ),
        sa.CheckConstraint("median_s > 0", name=op.f("ck_measurements_median_positive")),
    )


def upgrade() -> None:
    op.execute("DROP VIEW run_overview")
    op.create_table(
        "skips",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("launch_id", sa.Integer(), nullable=False),
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["launch_id"],
            ["launches.id"],
            name=op.f("fk_skips_launch_id_launches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skips")),
    )
    op.create_index("ix_skips_launch", "skips", ["launch_id"], unique=False)
    with op.batch_alter_table("measurements", table_args=checks()) as table:
        for name in _STAGES:
            table.alter_column(name, existing_type=sa.Double(), nullable=True)
        table.alter_column("hlo_sha256", existing_type=sa.String(), nullable=True)
        for name in ("storage_bytes", "link_bytes"):
            table.add_column(sa.Column(name, sa.Double(), nullable=False, server_default="0"))
        table.add_column(sa.Column("work_unit", sa.String(), nullable=True))
        table.add_column(sa.Column("work_count", sa.Double(), nullable=True))
        table.add_column(sa.Column("observations", sa.JSON(), nullable=False, server_default="{}"))
    # What was measured until now moved no such bytes and observed nothing; from now on it is told.
    with op.batch_alter_table("measurements", table_args=checks()) as table:
        for name in ("storage_bytes", "link_bytes", "observations"):
            table.alter_column(name, server_default=None)
    op.execute(RUN_OVERVIEW)
