"""Anchors, and the nights that were measured in turns with them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "anchors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("bridge_pairing_id", sa.Integer(), nullable=True),
        sa.Column("pinned_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("epoch >= 1", name=op.f("ck_anchors_epoch_positive")),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machines.id"], name=op.f("fk_anchors_machine_id_machines")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_anchors_image_id_images")
        ),
        sa.ForeignKeyConstraint(
            ["bridge_pairing_id"],
            ["pairings.id"],
            name=op.f("fk_anchors_bridge_pairing_id_pairings"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anchors")),
    )
    op.create_index("ix_anchors_machine_target", "anchors", ["machine_id", "target"])
    op.create_table(
        "nights",
        sa.Column("pairing_id", sa.Integer(), nullable=False),
        sa.Column("anchor_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pairing_id"],
            ["pairings.id"],
            name=op.f("fk_nights_pairing_id_pairings"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["anchors.id"], name=op.f("fk_nights_anchor_id_anchors")
        ),
        sa.PrimaryKeyConstraint("pairing_id", name=op.f("pk_nights")),
    )
    op.create_index("ix_nights_anchor", "nights", ["anchor_id"])
