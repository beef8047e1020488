"""How far apart launches of one and the same thing lie: the spread of their medians.

Before: as they come. After: each launch is measured in turns with one that lives throughout, and
what spreads is their ratio. Most of the spread is the machine's speed, which drifts between
launches and is the same within a turn.

What is left is told apart by two more spreads: that of one launch measured again and again (the
noise of the method), and that of launches whose pages are large and whose addresses are not drawn
(the layout's part). Fixing the layout is no remedy: it makes one draw of it a bias of every
launch (Mytkowicz et al., Producing Wrong Data Without Doing Anything Obviously Wrong!, ASPLOS
2009).
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.benchmarks.report import Figure
from tests.checkout import ROOT

CASE = "transformer/nano/forward/f32"
LAUNCHES = 20
TURNS = 21
SEEN = 0.04
"""Between launches as they come, on the machine that the design was made on."""
BOUND = 0.02

LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
FIXED_ADDRESSES = ("setarch", "--addr-no-randomize")


class Launch:
    """A process that times a round of `CASE` whenever it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        assert self._stdout.readline() == "ready\n"

    def round_s(self) -> float:
        """Seconds of a call."""
        self._stdin.write("\n")
        self._stdin.flush()
        return float(self._stdout.readline())


@contextmanager
def launched(
    environment: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> Iterator[Launch]:
    """A launch, alive within."""
    with subprocess.Popen(
        [*prefix, sys.executable, "-m", "tests.benchmarks.spread_rounds", CASE],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu", **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Launch(process)
        finally:
            process.kill()


def spreads() -> tuple[Figure, Figure]:
    """Of launch medians as they come, and in turns."""
    medians: list[float] = []
    in_turns: dict[str, list[float]] = {"launches": [], "one launch": [], "fixed layout": []}
    with launched() as reference, launched() as one:
        for _ in range(LAUNCHES):
            with launched() as launch:
                rounds = turns(launch, reference)
                medians.append(statistics.median(ours for ours, _ in rounds))
                in_turns["launches"].append(ratio(rounds))
            with launched(LARGE_PAGES, FIXED_ADDRESSES) as launch:
                in_turns["fixed layout"].append(ratio(turns(launch, reference)))
            in_turns["one launch"].append(ratio(turns(one, reference)))
    found = {name: round(variation(ratios), 5) for name, ratios in in_turns.items()}
    return (
        Figure(
            bench=f"{CASE}, {LAUNCHES} launches: spread of their medians as they come",
            value=round(variation(medians), 5),
            unit="coefficient of variation",
            bound=SEEN,
            detail={"medians_s": medians},
        ),
        Figure(
            bench=f"{CASE}, {LAUNCHES} launches: spread of their medians in turns with one",
            value=found["launches"],
            unit="coefficient of variation",
            bound=BOUND,
            detail={"spreads": found, "ratios": in_turns},
        ),
    )


def turns(launch: Launch, reference: Launch) -> list[tuple[float, float]]:
    """Seconds of a call in both, ABBA; the first turn warms up and is not told."""
    rounds = []
    for turn in range(TURNS + 1):
        if turn % 2:
            theirs, ours = reference.round_s(), launch.round_s()
        else:
            ours, theirs = launch.round_s(), reference.round_s()
        rounds.append((ours, theirs))
    return rounds[1:]


def ratio(rounds: list[tuple[float, float]]) -> float:
    """The median over the turns."""
    return statistics.median(ours / theirs for ours, theirs in rounds)


def variation(values: list[float]) -> float:
    """The coefficient of variation."""
    return statistics.stdev(values) / statistics.fmean(values)
