"""The packages of the distribution in an image."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("images", sa.Column("distribution", sa.JSON(), nullable=True))
