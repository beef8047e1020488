"""What a compiled program does once it runs: its kernels, what they move, the arrays of a call."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_COLUMNS: dict[str, Any] = {
    "kernels": sa.BigInteger(),
    "product_bytes": sa.Double(),
    "turned_bytes": sa.Double(),
    "streamed_bytes": sa.Double(),
    "arguments": sa.Integer(),
    "results": sa.Integer(),
}

_CHECK = "ck_programs_ran"
_HOLDS = " AND ".join(
    f"{name} {'BETWEEN 0 AND 1e300' if name.endswith('_bytes') else '>= 0'}" for name in _COLUMNS
)


def upgrade() -> None:
    *first, last = _COLUMNS
    for name in first:
        op.add_column("programs", sa.Column(name, _COLUMNS[name], nullable=True))
    if op.get_context().dialect.name == "sqlite":
        # A table's rows stay where they are, and a constraint comes with a column alone.
        op.execute(
            f"ALTER TABLE programs ADD COLUMN {last} INTEGER CONSTRAINT {_CHECK} CHECK ({_HOLDS})"
        )
    else:
        op.add_column("programs", sa.Column(last, _COLUMNS[last], nullable=True))
        op.create_check_constraint(op.f(_CHECK), "programs", _HOLDS)
