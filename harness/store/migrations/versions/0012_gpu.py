"""What a GPU was doing while a case was timed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("measurements", sa.Column("gpu", sa.JSON(), nullable=True))
