"""Puts runs into a database through the real writer, as the runner would."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from containers import owner
from harness.ab import CaseResult, as_row
from harness.machine import Machine
from harness.store.reader import Run
from harness.store.writer import Store
from tests.harness.samples import A, parsed_environment, parsed_measurement

MACHINE = Machine(
    name="testbed",
    cpu_model="Testing CPU",
    architecture="x86_64",
    sockets=1,
    cores=2,
    threads=4,
    caches=("L1 Data 32K",),
    memory_gib=16,
    gpus=(),
)
SAME = CaseResult(
    case=A,
    metric="time",
    unit="s",
    presence="both",
    ratio=1.0,
    low=0.9,
    high=1.1,
    verdict="same",
    pairs=4,
    base=1.0,
    effect=0.0,
    remarks=(),
)
"""What is said of a pair in which nothing changed."""

A_RUN = Run(
    run="a run",
    status="done",
    target="cpu",
    platform="cpu",
    isolation="container",
    machine="m1",
    image="sha256:" + "a" * 64,
    suite="quick",
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    ended_at=None,
    measurements=0,
    failures=0,
    skipped=0,
    launches_planned=3,
    tags={},
    git_commit=None,
    git_dirty=None,
    jaxrig_version="0.1.0",
)
"""As the reader tells it."""

IMAGE = ("sha256:" + "a" * 64, "jaxrig/cpu:1234")

Medians = Mapping[str, Sequence[float]]
"""Case → one number a launch, which all its samples are equal to."""


def begin_run(store: Store, **changes: Any) -> tuple[int, str]:
    facts: dict[str, Any] = {
        "machine": MACHINE,
        "image": IMAGE,
        "target": "cpu",
        "platform": "cpu",
        "isolation": "container",
        "suite": "quick",
        "cases": ["matmul/256/f32"],
        "launches_planned": 1,
        "tags": {},
        "git_commit": None,
        "git_dirty": None,
        "jaxrig_version": "0.1.0",
        "owner": owner.this_process(),
        "deadline_at": datetime.now(UTC) + timedelta(hours=1),
    }
    return store.begin_run(**(facts | changes))


def add_run(
    store: Store,
    medians: Medians,
    *,
    status: str = "done",
    failures: Sequence[tuple[str | None, str, str]] = (),
    skips: Sequence[tuple[str, str]] = (),
    log: str = "all went well\n",
    measured: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    host: Mapping[str, str | None] | None = None,
    noise: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    """A whole run; its name. `measured`, `environment` change fields of every measurement, and of
    what launches say of their software; `host`: what the machine says of it."""
    launches = max((len(row) for row in medians.values()), default=1)
    run, name = begin_run(store, cases=list(medians), launches_planned=launches, **changes)
    heard = {"load_before": 0.5, **(noise or {})}
    for index in range(launches):
        launch = store.begin_launch(run, index=index, part=0, limits={"cpus": "0-1"}, env={})
        store.set_environment(launch, parsed_environment(**(environment or {})), host or {})
        for case, row in medians.items():
            if index < len(row):
                record = parsed_measurement(case, [row[index]] * 3, **(measured or {}))
                store.add_measurement(launch, record)
        for skipped, reason in skips:
            store.add_skip(launch, skipped, reason)
        if index == 0:
            for blamed, kind, message in failures:
                store.add_failure(run, launch, blamed, kind, message)
        store.end_launch(launch, status=status, exit_code=0, noise=heard, log=log)
    store.end_run(run, status)
    return name


def add_nights(
    store: Store, *levels: tuple[int, float], case: str = A, **changes: Any
) -> list[str]:
    """Runs of one case, so many of each level (seconds); their names. They scatter a little, by
    no chance."""
    times = [level for count, level in levels for _ in range(count)]
    return [
        add_run(store, {case: [level * (1 + 0.01 * (night % 3))]}, **changes)
        for night, level in enumerate(times)
    ]


def add_pair(store: Store, results: Sequence[CaseResult], **changes: Any) -> tuple[str, str]:
    """Two runs that were measured in turns, and what was said of them; their names."""
    (base, first), (candidate, second) = (begin_run(store, **changes) for _ in range(2))
    pairing = store.pair_runs(base, candidate, rounds=21, rule={"error": 0.05})
    store.add_verdicts(pairing, [as_row(each) for each in results if each.presence == "both"])
    for run in (base, candidate):
        store.end_run(run, "done")
    return first, second


def settled(text: str) -> str:
    """`text` with what differs from run to run (names, times) replaced."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{6}", "NAMED-BY-TIME-AND-DICE", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "YYYY-MM-DD hh:mm:ss", text)
