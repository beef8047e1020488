"""${message}"""

import sqlalchemy as sa
from alembic import op

from harness.store.types import PackedFloats, UtcTime

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
