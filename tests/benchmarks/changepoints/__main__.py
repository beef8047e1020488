"""`make bench-changepoints`: how often changes are found that are there, and that are not.

Some minutes on one core. The peers are installed into an environment of their own. The table
goes to stdout, everything else to stderr; `--docs` puts it into the documentation.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy.stats import binomtest
from tabulate import tabulate

from harness.stats.changepoints import levels
from tests.benchmarks.changepoints.detectors import detectors
from tests.benchmarks.changepoints.judged import Found, judge, middle_delay
from tests.benchmarks.changepoints.series import tasks
from tests.checkout import ROOT

STATE = ROOT / ".bench-changepoints"
PAGE, RAW = ROOT / "docs" / "changes.md", ROOT / "docs" / "changes-proof.json"
BEGIN = "<!-- make bench-changepoints: begin -->\n"
END = "<!-- make bench-changepoints: end -->\n"

BOUNDS = {
    "Gaussian noise": 0.995,
    "lognormal noise with 2 % outliers": 0.995,
    "Gaussian noise of 10 nights": 0.995,
    "Gaussian noise of 30 nights": 0.995,
    "Gaussian noise of 1000 nights": 0.995,
    "three steps of 5 % in 1000 nights": 0.90,
    "one step of 5 % in 100 heavy-tailed nights": 0.95,
}
"""Of jaxrig, a share of series that are right."""


def main() -> None:
    options = parse()
    options.state.mkdir(exist_ok=True)
    found = [
        judge(task, who, find) for task in tasks() for who, find in detectors(options.state).items()
    ]
    text = f"{table(found)}\n\n1,000 series of 365 nights: {speed_s():.1f} s.\n"
    sys.stdout.write(text)
    if options.docs:
        before, begin, rest = PAGE.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        assert begin, f"{PAGE} has no place for it"
        assert end, f"{PAGE} has no place for it"
        PAGE.write_text(before + BEGIN + text + END + after)
        RAW.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-changepoints", description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="where the peers are installed")
    parser.add_argument("--docs", action="store_true", help="write table and results there")
    return parser.parse_args()


def table(found: Sequence[Found]) -> str:
    """A row a task, a column a detector; a miss is marked."""
    names = list(dict.fromkeys(each.who for each in found))
    rows = []
    for task in dict.fromkeys(each.task for each in found):
        own = {each.who: each for each in found if each.task == task}
        bound = f"{100 * BOUNDS[task]:g} %" if task in BOUNDS else ""
        rows.append([task, *(_cell(own[name]) for name in names), bound])
    headers = ["right, of series", *names, "to reach"]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def _cell(found: Found) -> str:
    if found.delays:
        middle = middle_delay(found)
        told = "not in time" if middle is None else f"median {middle:g}"
        return f"{told}; {found.right} of {found.series} found"
    interval = binomtest(found.right, found.series).proportion_ci()
    ends = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    missed = found.who == "jaxrig" and found.share < BOUNDS.get(found.task, 0.0)
    told = f"{100 * found.share:.1f} % ({ends})"
    return f"**{told}**, missed" if missed else told


def speed_s() -> float:
    source = np.random.default_rng(4)
    series = np.exp(0.03 * source.standard_normal((1000, 365)))
    began = time.perf_counter()
    for values in series:
        levels(values)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
