"""Suites of one's own: nobody counts their FLOP and bytes or knows the right numbers, and they
bring pytest-benchmark's group, options and extra_info."""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BEFORE = import_module("harness.store.migrations.versions.0002_catalogue")
_TEXTS = ("phase", "dtype")
_NUMBERS = (
    *("flops", "bytes", "storage_bytes", "link_bytes"),
    *("numerics_error", "numerics_tolerance"),
)


def upgrade() -> None:
    op.execute("DROP VIEW run_overview")
    with op.batch_alter_table("measurements", table_args=_BEFORE.checks()) as table:
        for name in _TEXTS:
            table.alter_column(name, existing_type=sa.String(), nullable=True)
        for name in _NUMBERS:
            table.alter_column(name, existing_type=sa.Double(), nullable=True)
        table.add_column(sa.Column("benchmark_group", sa.String(), nullable=True))
        for name in ("benchmark_options", "extra_info"):
            table.add_column(sa.Column(name, sa.JSON(), nullable=True))
    op.execute(_BEFORE.RUN_OVERVIEW)
