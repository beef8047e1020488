"""A case as the peers time it: a function of nothing that does one call and waits for it."""

from collections.abc import Callable

from tests.benchmarks.verdicts.guest.ballast import slowed
from workloads.builders import build
from workloads.catalog import find
from workloads.prepare import disable_compilation_cache, prepare


def ready(case: str) -> Callable[[], None]:
    """Compiled, checked, and with the ballast of the environment's share."""
    disable_compilation_cache()
    prepared = slowed(prepare)(find(case), build(find(case)))
    return lambda: prepared.round(1)
