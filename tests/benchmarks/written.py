"""`python -m tests.benchmarks.written URL MEASUREMENTS SAMPLES` writes measurements, each in a
transaction of its own, as a run does: how long that took, as JSON."""

import json
import sys
import time

import numpy as np

from harness.store.writer import Store
from tests.harness.history import begin_run
from tests.harness.samples import parsed_measurement

CASES = 100
UPTIME_S = 3e5


def main(url: str, measurements: str, samples: str) -> None:
    source = np.random.default_rng(2)
    records = [
        parsed_measurement(f"case/{number % CASES}", clocked(source, 1e-2, int(samples)))
        for number in range(int(measurements))
    ]
    with Store(url) as store:
        run, _ = begin_run(store)
        launches = [
            store.begin_launch(run, index=index, part=0, limits={}, env={})
            for index in range(-(-len(records) // CASES))
        ]
        start = time.perf_counter()
        for number, record in enumerate(records):
            store.add_measurement(launches[number // CASES], record)
        took_s = time.perf_counter() - start
    sys.stdout.write(json.dumps({"took_s": took_s}) + "\n")


def clocked(source: np.random.Generator, typical_s: float, count: int) -> list[float]:
    """As a clock tells them on a machine that has been up for three days."""
    lasted = typical_s * (1 + 0.02 * np.abs(source.standard_t(4, size=count)))
    return [float(each) for each in (UPTIME_S + lasted) - UPTIME_S]


if __name__ == "__main__":
    main(*sys.argv[1:])
