"""How long the command takes to answer when nothing is measured."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.report import Figure
from tests.command import Jaxrig

REPEATS = 25
BOUNDS_S: dict[tuple[str, ...], float] = {("--help",): 0.150, ("runs",): 0.400}


def answers(folder: Path) -> Iterator[Figure]:
    """`jaxrig --help` and `jaxrig runs`, in turns, over a database that holds runs."""
    jaxrig = Jaxrig(folder=folder)
    took_s: dict[tuple[str, ...], list[float]] = {words: [] for words in BOUNDS_S}
    for _ in range(REPEATS):
        for words, samples in took_s.items():
            start = time.perf_counter()
            done = jaxrig(*words)
            samples.append(time.perf_counter() - start)
            assert done.code == 0, done.err
    for words, samples in took_s.items():
        yield Figure(
            bench=f"jaxrig {' '.join(words)}",
            value=round(statistics.median(samples), 4),
            unit="s",
            bound=BOUNDS_S[words],
            detail={"fastest_s": min(samples), "slowest_s": max(samples), "repeats": REPEATS},
        )
