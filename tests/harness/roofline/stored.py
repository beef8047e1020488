"""What an ideal machine measured, in a database."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.store.writer import Store
from tests.harness.history import begin_run
from tests.harness.roofline.ideal import Ideal
from tests.harness.samples import catalogued, parsed_environment, parsed_measurement

LAUNCHES = 2


def add_ceilings(store: Store, ideal: Ideal, **changes: Any) -> str:
    """A run of the suite; its name."""
    measured = {
        each.case.id: (each.median_s, {"observations": each.observations}) for each in ideal.timed()
    }
    return add_measured(store, measured, suite="ceilings", **changes)


def add_measured(
    store: Store,
    measured: Mapping[str, tuple[float, Mapping[str, Any]]],
    *,
    environment: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    """`measured`: seconds by case, and what else is to be told of it. Samples scatter evenly by a
    twentieth. `environment`: what launches told otherwise than usually."""
    run, name = begin_run(store, cases=list(measured), launches_planned=LAUNCHES, **changes)
    for index in range(LAUNCHES):
        launch = store.begin_launch(run, index=index, part=0, limits={}, env={})
        store.set_environment(launch, parsed_environment(**environment or {}))
        for case, (time_s, more) in measured.items():
            record = parsed_measurement(case, _scattered(time_s), **{**catalogued(case), **more})
            store.add_measurement(launch, record)
        store.end_launch(launch, status="done", exit_code=0, noise=None, log="")
    store.end_run(run, "done")
    return name


def _scattered(time_s: float) -> Sequence[float]:
    return [time_s * (0.95 + 0.01 * step) for step in range(11)]
