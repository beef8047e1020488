"""What columns may hold that several have in common: CHECKs, which both databases enforce."""

from collections.abc import Sequence

from sqlalchemy import CheckConstraint

_STATUSES = ("running", "done", "failed", "interrupted")
_AMOUNTS = ("flops", "bytes", "storage_bytes", "link_bytes", "work_count", "xla_flops", "xla_bytes")
_TIMES = ("trace_s", "lower_s", "compile_s", "first_call_s", "steal_s", "timed_s")
_EVENTS = ("minor_faults", "major_faults", "voluntary_switches", "involuntary_switches")

_BOUNDED = "BETWEEN 0 AND 1e300"
"""Neither infinite nor NaN, which PostgreSQL takes for the largest number."""


def status() -> CheckConstraint:
    """Of a run or a launch."""
    allowed = ", ".join(f"'{each}'" for each in _STATUSES)
    return CheckConstraint(f"status IN ({allowed})", name="status")


def amounts() -> CheckConstraint:
    """Of what a program does."""
    return _each("amounts", _AMOUNTS, _BOUNDED)


def times() -> CheckConstraint:
    """Of a measurement, beside its median."""
    return _each("times", _TIMES, _BOUNDED)


def events() -> CheckConstraint:
    """That were counted while it was measured."""
    return _each("events", _EVENTS, ">= 0")


def _each(name: str, columns: Sequence[str], holds: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"{column} {holds}" for column in columns), name=name)
