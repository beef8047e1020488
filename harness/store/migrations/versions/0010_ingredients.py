"""What an image was made of, and the packages in it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("images", sa.Column("dockerfile_sha256", sa.String(), nullable=True))
    op.add_column("images", sa.Column("requirements_sha256", sa.String(), nullable=True))
    op.add_column("images", sa.Column("packages", sa.JSON(), nullable=True))
