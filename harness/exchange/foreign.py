"""What another tool's result file tells, in one form for all tools. No database, no files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

Format = Literal["pytest-benchmark", "asv", "pyperf", "google-benchmark"]
FORMATS: tuple[str, ...] = get_args(Format)


@dataclass(frozen=True, kw_only=True)
class ForeignMachine:
    """`facts`: the hardware, under the names of `harness.machine.Machine`; None what the file
    does not tell."""

    name: str | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ForeignMeasurement:
    """One case in one process.

    `samples_s` are seconds a call, one a round, in the order of execution. They are None where
    the file has none; then `summary` holds what it tells of them (as `min_s`, `q1_s`), and is
    empty otherwise. `rounds` and `calls_per_round` are None where nothing tells them.
    """

    case: str
    workload: str
    parameters: Mapping[str, Any]
    group: str | None = None
    options: Mapping[str, Any]
    extra_info: Mapping[str, Any]
    samples_s: tuple[float, ...] | None
    rounds: int | None
    median_s: float
    summary: Mapping[str, float] = field(default_factory=dict)
    calls_per_round: int | None
    peak_rss_bytes: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ForeignLaunch:
    """What one process measured, each case once. `environment`: its software, as told, and what
    else the file tells of all that is in it."""

    measurements: tuple[ForeignMeasurement, ...]
    started_at: datetime | None
    environment: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ForeignRun:
    """One result file. Times are in UTC.

    `digest` is the SHA-256 of the file's content, unpacked: it tells whether the same was read
    before. `failures` are (case, message); the case is None where no single one is to blame.
    `skips` are (case, reason). `unmapped` names what the file tells and this form has no place
    for; what follows from the samples is not named.
    """

    format: Format
    digest: str
    started_at: datetime | None
    machine: ForeignMachine
    commit: str | None = None
    dirty: bool | None = None
    suite: str
    launches: tuple[ForeignLaunch, ...]
    failures: tuple[tuple[str | None, str], ...] = ()
    skips: tuple[tuple[str, str], ...] = ()
    unmapped: tuple[str, ...] = ()
