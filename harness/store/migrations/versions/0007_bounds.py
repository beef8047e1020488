"""What other tools do not tell of a measurement stays unknown: its rounds, the calls of each. More
that makes no sense cannot be stored: negative counts and times, and numbers without bounds."""

import re

import sqlalchemy as sa
from alembic import op

from harness.errors import DatabaseFailure

revision = "0007"
down_revision = "0006"

_UNTOLD = {"measurements": {"rounds": sa.Integer(), "calls_per_round": sa.BigInteger()}}

_AMOUNTS = ("flops", "bytes", "storage_bytes", "link_bytes", "work_count", "xla_flops", "xla_bytes")
_TIMES = ("trace_s", "lower_s", "compile_s", "first_call_s", "steal_s", "timed_s")
_EVENTS = ("minor_faults", "major_faults", "voluntary_switches", "involuntary_switches")

_CHECKS = (
    ("programs", "amounts", _AMOUNTS, "BETWEEN 0 AND 1e300"),
    ("measurements", "median_bounded", ("median_s",), "<= 1e300"),
    ("measurements", "times", _TIMES, "BETWEEN 0 AND 1e300"),
    ("measurements", "events", _EVENTS, ">= 0"),
    ("pairings", "rounds_not_negative", ("rounds",), ">= 0"),
    ("verdicts", "pairs_not_negative", ("pairs",), ">= 0"),
)
"""Table, name, columns, and what holds of each. PostgreSQL takes NaN for the largest number."""


def upgrade() -> None:
    for name, _, columns, holds in _CHECKS:
        _forget_nonsense(name, columns, holds)
    if op.get_context().dialect.name == "sqlite":
        for name in dict.fromkeys(name for name, *_ in _CHECKS):
            _redefine(name)
    else:
        for name, kinds in _UNTOLD.items():
            for column, kind in kinds.items():
                op.alter_column(name, column, existing_type=kind, nullable=True)
        for name, check, columns, holds in _CHECKS:
            op.create_check_constraint(op.f(f"ck_{name}_{check}"), name, _all(columns, holds))
    op.create_index("ix_failures_launch", "failures", ["launch_id"])


def _all(columns: tuple[str, ...], holds: str) -> str:
    return " AND ".join(f"{column} {holds}" for column in columns)


def _forget_nonsense(name: str, columns: tuple[str, ...], holds: str) -> None:
    """It becomes unknown; where it may not be, the database says so and nothing is upgraded."""
    kept = ", ".join(f"{each} = CASE WHEN {each} {holds} THEN {each} END" for each in columns)
    op.execute(f"UPDATE {name} SET {kept} WHERE NOT ({_all(columns, holds)})")  # noqa: S608


def _redefine(name: str) -> None:
    """In the table's definition alone, which its rows meet: years of them stay where they are
    (https://www.sqlite.org/lang_altertable.html, section 7). Raises `DatabaseFailure`."""
    connection = op.get_bind()
    wanted = _redefined(name, _definition(name))
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (wanted, name)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
    _verify(name)


def _definition(name: str) -> str:
    query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    return str(op.get_bind().exec_driver_sql(query, (name,)).scalar_one())


def _redefined(name: str, definition: str) -> str:
    for column in _UNTOLD.get(name, ()):
        definition = re.sub(rf"(\s{column} \w+) NOT NULL", r"\1", definition)
    checks = "".join(
        f"CONSTRAINT ck_{name}_{check} CHECK ({_all(columns, holds)}), \n\t"
        for table, check, columns, holds in _CHECKS
        if table == name
    )
    return definition.replace("CONSTRAINT ", f"{checks}CONSTRAINT ", 1)


def _verify(name: str) -> None:
    """That SQLite reads the definition as it was meant."""
    columns = op.get_bind().exec_driver_sql(f"PRAGMA table_info({name})").mappings().all()
    told = {each["name"] for each in columns if each["name"] not in _UNTOLD.get(name, ())}
    strict = {each["name"] for each in columns if each["notnull"]} - told
    checks = {f"ck_{name}_{check}" for table, check, *_ in _CHECKS if table == name}
    missing = {check for check in checks if f"CONSTRAINT {check} " not in _definition(name)}
    if not told or strict or missing:
        raise DatabaseFailure(
            f"the table {name} was not defined by jaxrig, or SQLite does not let its definition be "
            f"changed ({', '.join(sorted(strict | missing))}); nothing was upgraded"
        )
