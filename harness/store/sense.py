"""What columns may hold that several have in common: CHECKs, which both databases enforce."""

from collections.abc import Sequence

from sqlalchemy import CheckConstraint

_STATUSES = ("running", "done", "failed", "interrupted")
_AMOUNTS = ("flops", "bytes", "storage_bytes", "link_bytes", "work_count", "xla_flops", "xla_bytes")
_MOVED = ("product_bytes", "turned_bytes", "streamed_bytes")
_TIMES = ("trace_s", "lower_s", "compile_s", "first_call_s", "steal_s", "timed_s")
_TRACED = ("wall_s", "device_s", "other_operations_s")
_EVENTS = ("minor_faults", "major_faults", "voluntary_switches", "involuntary_switches")

_COUNTED = ">= 0"
_BOUNDED = "BETWEEN 0 AND 1e300"
"""Neither infinite nor NaN, which PostgreSQL takes for the largest number."""


def status() -> CheckConstraint:
    """Of a run or a launch."""
    allowed = ", ".join(f"'{each}'" for each in _STATUSES)
    return CheckConstraint(f"status IN ({allowed})", name="status")


def amounts() -> CheckConstraint:
    """Of what a program does."""
    return _each("amounts", _AMOUNTS, _BOUNDED)


def ran() -> CheckConstraint:
    """Of what a program's kernels do."""
    holds = {"kernels": _COUNTED, **dict.fromkeys(_MOVED, _BOUNDED)}
    holds |= dict.fromkeys(("arguments", "results"), _COUNTED)
    return CheckConstraint(
        " AND ".join(f"{column} {each}" for column, each in holds.items()), name="ran"
    )


def times() -> CheckConstraint:
    """Of a measurement, beside its median."""
    return _each("times", _TIMES, _BOUNDED)


def traced() -> CheckConstraint:
    """Of a profile."""
    return _each("traced", _TRACED, _BOUNDED)


def events() -> CheckConstraint:
    """That were counted while it was measured."""
    return _each("events", _EVENTS, _COUNTED)


def _each(name: str, columns: Sequence[str], holds: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"{column} {holds}" for column in columns), name=name)
