"""`make bench-verdicts`: measures how often `jaxrig ab` and its peers err, and what they find.

It takes some three hours on 2 cores. What is measured is kept (`--state`); called again it goes on
where it was. Results go to stdout, everything else to stderr.
"""

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import docker

from containers.docker_engine import connect
from tests.benchmarks.suite import warm_up
from tests.benchmarks.verdicts import calibrate, ours, peers, table
from tests.benchmarks.verdicts.images import loaded, with_peers
from tests.benchmarks.verdicts.noise import noise
from tests.benchmarks.verdicts.plan import PEERS_SHARE, Item, plan
from tests.benchmarks.verdicts.plot import draw
from tests.benchmarks.verdicts.record import Record
from tests.checkout import ROOT
from tests.command import Jaxrig

STATE = ROOT / ".bench-verdicts"
DOCS = ROOT / "docs"
SEE = """
![What is found against false alarms](verdicts-proof.svg)

Every result is in [verdicts-proof.jsonl](verdicts-proof.jsonl).
"""
BEGIN, END = "<!-- make bench-verdicts: begin -->\n", "<!-- make bench-verdicts: end -->\n"

RULES = (
    "docker/cpu.requirements.txt",
    "harness/ab.py",
    "harness/plan.py",
    "harness/runner/pairs.py",
    "harness/runner/turns.py",
    "harness/stats",
    "tests/benchmarks/verdicts/guest",
    "workloads",
)
"""What results depend on: those of other contents are of another record."""


def main() -> None:
    options = parse()
    record = measured(options) if not options.report else kept(options.state)
    results = {item: record.results[item.id] for item in plan() if item.id in record.results}
    claims = [value for name, value in record.results.items() if name.startswith("claims/")]
    sys.stdout.write(text := report(results, claims) + "\n" + where(record))
    if options.docs:
        publish(text, results, options.state)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-verdicts", description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="where results are kept")
    parser.add_argument("--only", default="*", metavar="GLOB", help="of the plan's comparisons")
    parser.add_argument("--max-time", type=float, metavar="S", help="begin nothing after S s")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--docs", action="store_true", help="write table, plot and results there")
    return parser.parse_args()


def measured(options: argparse.Namespace) -> Record:
    """The record, with what was wanting in it measured as far as the time allows."""
    client, start = connect(), time.monotonic()
    options.state.mkdir(parents=True, exist_ok=True)
    jaxrig = Jaxrig(folder=options.state)
    image = warm_up(jaxrig)
    machine = jaxrig.json("show", "latest")["machine"]
    record = Record(options.state / "record.jsonl", identity(), machine)

    def once(name: str, measure: Callable[[], Any]) -> Any:
        if name not in record.results:
            say(f"{time.monotonic() - start:6.0f} s  {name}")
            record.add(name, measure())
        return record.results[name]

    once(f"machines/{machine}", lambda: facts(jaxrig, machine))
    # The same ballast is another share of the time on another machine.
    amounts = once(f"amounts/{machine}", lambda: calibrate.search(client, image))
    for number in range(calibrate.CLAIMS):
        once(f"claims/{machine}/{number}", lambda: calibrate.extras(client, image, amounts))
    compare = comparing(client, jaxrig, image, amounts)
    for item in plan():
        if options.max_time and time.monotonic() - start > options.max_time:
            break
        if fnmatchcase(item.id, options.only):
            once(item.id, partial(compare, item))
    return record


def comparing(
    client: docker.DockerClient, jaxrig: Jaxrig, image: str, amounts: Any
) -> Callable[[Item], dict[str, Any]]:
    """How a comparison is done. All images are made before the first."""
    shares = {item.share for item in plan() if item.who == "jaxrig"} - {0.0}
    candidates = {share: loaded(client, image, amounts, f"{share:g}") for share in shares}
    candidates[0.0] = image
    others = with_peers(client, image, amounts, f"{PEERS_SHARE:g}")

    def compare(item: Item) -> dict[str, Any]:
        with noise(item.noise):
            if item.who == "jaxrig":
                return ours.compare(jaxrig, image, candidates[item.share])
            return peers.compare(client, others, item.who, item.share)

    return compare


def identity() -> dict[str, str]:
    """A hash of everything in `RULES`."""
    whole = hashlib.sha256()
    for path in sorted(each for name in RULES for each in _files(ROOT / name)):
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return {"rules": whole.hexdigest()}


def facts(jaxrig: Jaxrig, machine: str) -> dict[str, Any]:
    """What is known of the machine's hardware."""
    known = {each["machine"]: each["facts"] for each in jaxrig.json("machines")}
    return {name: value for name, value in known[machine].items() if name != "name"}


def _files(path: Path) -> list[Path]:
    inside = path.rglob("*") if path.is_dir() else [path]
    return [each for each in inside if each.is_file() and "__pycache__" not in each.parts]


def kept(state: Path) -> Record:
    """The record as it is."""
    path = state / "record.jsonl"
    with path.open() as file:
        return Record(path, json.loads(file.readline())["identity"])


def report(results: table.Results, claims: Sequence[calibrate.Extras]) -> str:
    """Markdown."""
    parts = [table.main_table(results)]
    others = table.other_alarms(results)
    if others.decisions:
        parts.append(f"Compile times and memory of unchanged sides, called slower: {others}.")
    if len(claims) > 1:  # else there is no interval
        parts.append(table.case_table(results, claims))
    return "\n\n".join(parts) + "\n"


def where(record: Record) -> str:
    """On which machines how many comparisons were made."""
    compared = {item.id for item in plan()}
    counts = Counter(machine for name, machine in record.machines.items() if name in compared)
    told = []
    for machine, count in counts.items():
        known = record.results[f"machines/{machine}"]
        cores, memory = known["cores"], known["memory_gib"]
        told.append(f"{count} on {known['cpu_model']}, {cores} cores, {memory} GiB (`{machine}`)")
    return f"Comparisons: {'; '.join(told)}; {len(compared)} in all.\n"


def publish(text: str, results: table.Results, state: Path) -> None:
    """Into docs/: the table, the plot, and every result."""
    page = DOCS / "verdicts.md"
    page.write_text(between_marks(page.read_text(), text + SEE))
    draw(results, DOCS / "verdicts-proof.svg")
    (DOCS / "verdicts-proof.jsonl").write_bytes((state / "record.jsonl").read_bytes())


def between_marks(page: str, text: str) -> str:
    """`page` with `text` instead of what is between its marks. Raises ValueError without them."""
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return page[:begin] + text + page[end:]


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
