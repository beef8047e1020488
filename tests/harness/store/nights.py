"""Nights of anchors in a database, and one database taken into another."""

from harness.store.merge import merge
from harness.store.writer import Store
from tests.harness.history import IMAGE, MACHINE, begin_run
from tests.harness.samples import A

VERDICT = {
    "case": A,
    "metric": "time",
    "unit": "s",
    "verdict": "same",
    "ratio": 1.0,
    "low": 0.9,
    "high": 1.1,
    "pairs": 3,
    "base": 1.0,
    "effect": 0.0,
    "remarks": [],
}


def pin(store: Store, why: str, bridge: int | None) -> int:
    return store.pin_anchor(
        machine=MACHINE, target="cpu", image=IMAGE, epoch=1, why=why, bridge=bridge
    )


def add_night(store: Store, anchor: int) -> int:
    (base, _), (candidate, _) = (begin_run(store) for _ in range(2))
    pairing = store.pair_runs(base, candidate, rounds=21, rule={"error": 0.05}, anchor=anchor)
    for run in (base, candidate):
        store.end_run(run, "done")
    store.add_verdicts(pairing, [VERDICT])
    return pairing


def taken(source: str, destination: str, **how: object) -> None:
    with Store(destination) as store:
        merge(source, store, **how)  # type: ignore[arg-type]
