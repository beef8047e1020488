"""Runs that were measured in turns: which with which, by what rule, and with what verdicts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "pairings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("base_run_id", sa.Integer(), nullable=False),
        sa.Column("candidate_run_id", sa.Integer(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], ["runs.id"], name=op.f(f"fk_pairings_{column}_runs"), ondelete="CASCADE"
            )
            for column in ("base_run_id", "candidate_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairings")),
    )
    op.create_index(
        "ix_pairings_base_candidate", "pairings", ["base_run_id", "candidate_run_id"], unique=False
    )
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pairing_id", sa.Integer(), nullable=False),
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("ratio", "low", "high")),
        sa.Column("pairs", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("base", "effect")),
        sa.Column("remarks", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('slower', 'faster', 'same', 'unclear')",
            name=op.f("ck_verdicts_verdict_known"),
        ),
        sa.ForeignKeyConstraint(
            ["pairing_id"],
            ["pairings.id"],
            name=op.f("fk_verdicts_pairing_id_pairings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        sa.UniqueConstraint("pairing_id", "case", "metric", name=op.f("uq_verdicts_pairing_id")),
    )
