"""Other tools' results on their way into the database: what the neutral form tells, as rows."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from harness import __version__
from harness.errors import UsageError
from harness.exchange.foreign import ForeignMachine, ForeignMeasurement, ForeignRun
from harness.store.identity import uuid7_of
from harness.store.imports import (
    Added,
    ImportedLaunch,
    ImportedMeasurement,
    ImportedRun,
    add_import,
)
from harness.store.writer import Store

ISOLATION = "imported"
PLATFORM = "unknown"

_GROWING = ("asv", "pyperf")
"""Formats whose files are written anew as more is measured."""

_BEGINNING = datetime.fromtimestamp(0, tz=UTC)
_MOST_ROUNDS = 2**31 - 1
_HARDWARE: dict[str, Any] = {
    "cpu_model": None,
    "architecture": None,
    "sockets": None,
    "cores": None,
    "threads": None,
    "caches": None,
    "memory_gib": None,
    "gpus": [],
}


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """A run of another tool, as it is known here."""

    added: Added
    measurements: int
    unmapped: tuple[str, ...]


def take_in(run: ForeignRun, file: str, store: Store) -> TakenIn:
    """Keeps a run, in one transaction; once, however often it is read. `file`: its name.

    Raises `DatabaseFailure`, and `UsageError` for what no database here can hold.
    """
    unmapped = list(run.unmapped)
    if run.started_at is None:
        unmapped.append("when it was measured: not told, so that it counts as of its import")
    try:
        added = add_import(store, _imported(run, file, unmapped))
    except UsageError as error:
        raise UsageError(f"cannot import {file}: {error}") from error
    return TakenIn(
        added=added,
        measurements=sum(len(launch.measurements) for launch in run.launches),
        unmapped=tuple(unmapped),
    )


def _imported(run: ForeignRun, file: str, unmapped: list[str]) -> ImportedRun:
    started_at = run.started_at or datetime.now(UTC)
    launches = [
        ImportedLaunch(
            environment=launch.environment,
            started_at=launch.started_at or started_at,
            measurements=[_measurement(each) for each in launch.measurements],
        )
        for launch in run.launches
    ]
    measured = (each.case for launch in run.launches for each in launch.measurements)
    failed = (case for case, _ in (*run.failures, *run.skips) if case is not None)
    return ImportedRun(
        # The same of the same file, whenever it is taken in.
        uuid=uuid7_of(run.started_at or _BEGINNING, bytes.fromhex(run.digest)),
        name=f"{started_at:%Y%m%d-%H%M%S}-{run.digest[:6]}",
        machine=_machine(run.machine, started_at),
        run={
            "status": "failed" if run.failures else "done",
            "target": run.format,
            "platform": PLATFORM,
            "isolation": ISOLATION,
            "suite": run.suite,
            "launches_planned": max(1, len(run.launches)),
            "tags": {},
            "git_commit": run.commit,
            "git_dirty": run.dirty,
            "jaxrig_version": __version__,
            "deadline_at": started_at,
            "started_at": started_at,
        },
        origin={
            "format": run.format,
            "sha256": run.digest,
            "file": file,
            "unmapped": unmapped,
        },
        cases=list(dict.fromkeys((*measured, *failed))),
        launches=launches,
        failures=run.failures,
        skips=run.skips,
        grows=run.format in _GROWING,
    )


def _measurement(told: ForeignMeasurement) -> ImportedMeasurement:
    rounds = len(told.samples_s) if told.samples_s else told.rounds
    if rounds is not None and rounds > _MOST_ROUNDS:
        raise UsageError(f"{told.case}: {rounds} rounds are more than can be stored")
    return ImportedMeasurement(
        case={
            "name": told.case,
            "workload": told.workload,
            "phase": None,
            "dtype": None,
            "parameters": dict(told.parameters),
        },
        benchmark={"benchmark_group": told.group, "benchmark_options": dict(told.options)},
        samples_s=told.samples_s,
        measurement={
            "rounds": rounds,
            "median_s": told.median_s,
            "summary": dict(told.summary) or None,
            "calls_per_round": told.calls_per_round,
            "peak_rss_bytes": told.peak_rss_bytes,
            "extra_info": dict(told.extra_info) or None,
            "warnings": list(told.warnings) or None,
        },
    )


def _machine(told: ForeignMachine, seen_at: datetime) -> dict[str, Any]:
    """Known by the hardware that is told; by its name as well where the processor is not: then
    little else tells two machines apart. No measured machine's fingerprint looks like these."""
    facts = _HARDWARE | dict(told.facts)
    identity = facts if facts["cpu_model"] else facts | {"name": told.name}
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    name = told.name or "unknown"
    return {
        "fingerprint": f"told-{digest[:16]}",
        "name": name,
        "facts": {"name": name, **facts},
        "first_seen_at": seen_at,
    }
