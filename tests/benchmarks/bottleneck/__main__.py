"""`make bench-bottleneck`: whether labels are right, on the machine at hand, in real containers.

It takes some 45 minutes on 2 cores. What is measured is kept (`--state`); called again it goes on
where it was. Results go to stdout, everything else to stderr.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

from containers.docker_engine import connect
from harness.store.reader import Reader
from tests.benchmarks import blas, triad
from tests.benchmarks.bottleneck import judged
from tests.benchmarks.bottleneck.causes import Seconds, taken
from tests.benchmarks.bottleneck.measured import CAUSES, measure
from tests.benchmarks.bottleneck.table import table
from tests.checkout import ROOT

STATE = ROOT / ".bench-bottleneck"
DOCS = ROOT / "docs"
BEGIN = "<!-- make bench-bottleneck: begin -->\n"
END = "<!-- make bench-bottleneck: end -->\n"


def main() -> None:
    options = parse()
    options.state.mkdir(exist_ok=True)
    if not options.report:
        measure(options.state, say)
    with Reader(f"sqlite:///{options.state}/results.db") as reader:
        found = dict(results(judged.turns_of(reader), taken(options.state / CAUSES)))
    found["references"] = references(options.state, measured=not options.report)
    sys.stdout.write(text := table(found))
    if options.docs:
        publish(text, found)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-bottleneck", description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="where results are kept")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--docs", action="store_true", help="write table and results there")
    return parser.parse_args()


def results(
    turns: Sequence[judged.Turn], taken: Mapping[str, Seconds]
) -> Iterator[tuple[str, Any]]:
    cases = judged.held_out(turns, [turn.two_cores for turn in turns])
    alone = judged.held_out(turns, [turn.ceilings_alone for turn in turns])
    control = judged.held_out(turns, [turn.one_core_alone for turn in turns])
    between = judged.predicted(turns, "between")
    intervals = [*between, *judged.predicted(turns, "cases")]
    yield "turns", len(turns)
    yield "known", judged.known_answers(turns)
    yield "held_out", [_known(asdict(each)) | {"inside": each.inside} for each in cases]
    yield "coverage", judged.coverage(cases)
    yield "median_error", judged.median_error(cases)
    yield "alone_coverage", judged.coverage(alone)
    yield "alone_median_error", judged.median_error(alone)
    yield "control_coverage", judged.coverage(control)
    yield "control_median_error", judged.median_error(control)
    yield "caused", [asdict(each) | {"right": each.right} for each in judged.caused(turns, taken)]
    yield "predicted", [asdict(each) | {"error": each.error} for each in between]
    yield "intervals", [asdict(each) | {"inside": each.inside} for each in intervals]
    yield "intervals_coverage", judged.coverage(intervals)


def _known(told: dict[str, Any]) -> dict[str, Any]:
    """What is not a number is none in JSON."""
    return {
        name: None if isinstance(value, float) and isnan(value) else value
        for name, value in told.items()
    }


def references(state: Path, *, measured: bool) -> dict[str, float]:
    """The ceilings against other people's programs, kept beside the database."""
    path = state / "references.json"
    if measured and not path.exists():
        client = connect()
        with Reader(f"sqlite:///{state}/results.db") as reader:
            image = str(reader.run("step=ceilings-0").image)
        found = {
            "triad over C": triad.against_c(state).value,
            "products over OpenBLAS": blas.share(client, image).value,
        }
        client.close()
        path.write_text(json.dumps(found))
    told: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    return told


def publish(text: str, found: dict[str, Any]) -> None:
    page = DOCS / "bottleneck.md"
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{page} has no place for it"
    assert end, f"{page} has no place for it"
    page.write_text(before + BEGIN + text + END + after)
    (DOCS / "bottleneck-proof.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
