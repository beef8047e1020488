"""A database with something for every page of a report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, select, update

from harness.store.models import MachineRow, RunRow
from harness.store.writer import Store
from tests.harness.history import IMAGE, MACHINE, add_run, begin_run
from tests.harness.roofline.ideal import Ideal
from tests.harness.roofline.stored import add_ceilings, add_measured
from tests.harness.samples import parsed_environment, parsed_measurement
from tests.harness.store.nights import VERDICT

NIGHTS, AT = 30, 15
SLOWER, STEADY = "transformer/nano/forward/f32", "transformer/nano/validate/f32"
BOUND = "memory/triad/128MiB/f32"
EVIL = "<script>alert(1)</script>"
OTHER = ("sha256:" + "b" * 64, "jaxrig/cpu:5678")
ELSEWHERE = replace(MACHINE, name="node07", cores=64, threads=128)
LABELLED: dict[str, tuple[float, dict[str, Any]]] = {
    "matmul/2048/f32": (2 * 2048**3 / 1e11, {}),
    BOUND: (3 * 2**27 / 1e10, {}),
    "transformer/nano/train_step/f32": (0.02, {}),
}


def fill(store: Store) -> None:
    """Nights of which one made a case slower, nights with an anchor, a run that failed, a case
    whose name means harm, ceilings with a run to label, and another machine."""
    _runs(store)
    _nights(store)
    add_run(
        store,
        {EVIL: [1.0, 1.1]},
        status="failed",
        failures=[(EVIL, "raised", f"boom {EVIL}")],
        skips=[("collective/8", "too few devices")],
        log=f"the last words {EVIL}\n",
        tags={"why": EVIL},
    )
    add_run(store, {SLOWER: [0.5], BOUND: [0.4]}, machine=ELSEWHERE)
    add_ceilings(store, Ideal(private_bytes=2 * 32 * 1024))
    add_measured(store, LABELLED, suite="standard")
    store.within(_a_day_apart)


def _a_day_apart(connection: Connection, _: object) -> None:
    """They began within a second; and the machines were seen first when this was called."""
    first = update(MachineRow).values(first_seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    connection.execute(first)
    for run in connection.execute(select(RunRow.id)).scalars().all():
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=run)
        began = update(RunRow).where(RunRow.id == run)
        connection.execute(began.values(started_at=day, ended_at=day))


def _runs(store: Store) -> None:
    noise = np.exp(0.01 * np.random.default_rng(1).standard_normal((NIGHTS, 2, 2)))
    for night in range(NIGHTS):
        later = night >= AT
        slower, steady = noise[night]
        add_run(
            store,
            {SLOWER: list(slower * (1.1 if later else 1.0)), STEADY: list(steady)},
            image=OTHER if later else IMAGE,
            git_commit=f"{night:040x}",
            measured={"hlo_sha256": ("1" if later else "0") * 64},
        )


def _nights(store: Store) -> None:
    """Both sides measured a case, and what was said of them is a ratio to the anchor."""
    anchor = store.pin_anchor(
        machine=MACHINE, target="cpu", image=IMAGE, epoch=1, why="first", bridge=None
    )
    for night in range(12):
        ids = []
        for factor in (1.0, 1.01):
            run, _ = begin_run(store, cases=[SLOWER])
            launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
            store.set_environment(launch, parsed_environment())
            store.add_measurement(launch, parsed_measurement(SLOWER, [factor] * 3))
            store.end_launch(launch, status="done", exit_code=0, noise=None, log="")
            store.end_run(run, "done")
            ids.append(run)
        pairing = store.pair_runs(*ids, rounds=21, rule={}, anchor=anchor)
        verdict = {**VERDICT, "case": SLOWER, "ratio": 1.01 + 0.001 * night, "pairs": 5}
        store.add_verdicts(pairing, [{**verdict, "verdict": "slower" if night == 11 else "same"}])
