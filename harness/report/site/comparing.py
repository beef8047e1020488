"""What the page that compares two runs loads: the runs that there are, and each one's numbers."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.report.site import addresses
from harness.report.site.facts import place_of, started

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.store.pairings import Pairing
    from harness.store.points import Measured
    from harness.store.reader import Run

MOST_RUNS = 2000
"""To choose from, the newest ones."""


def choices(archive: "Archive") -> Mapping[str, Any]:
    """The runs to choose from, the newest first, and of each place the newest."""
    newest = [run for run in reversed(archive.runs.values()) if run.measurements][:MOST_RUNS]
    latest = {run.run for run in archive.latest}
    return {
        "runs": [
            {
                "run": run.run,
                "where": place_of(archive, run),
                "began": started(run),
                "suite": run.suite,
                "data": addresses.data_of_run(run.run),
                "page": addresses.of_run(run.run),
                "latest": run.run in latest,
            }
            for run in newest
        ]
    }


def data_of(archive: "Archive", run: "Run", measured: Mapping[str, "Measured"]) -> bytes:
    """A script that hands the run's medians to the page, and what was said of it in turns: a page
    that was opened from a file may load scripts, and nothing else."""
    document = {
        "cases": {
            case: [each.median_s, addresses.of_case(case)] for case, each in measured.items()
        },
        "verdicts": {
            each.base: _verdicts(each)
            for each in archive.in_turns.get(run.run, ())
            if each.verdicts
        },
    }
    name, told = (json.dumps(each, allow_nan=False) for each in (run.run, document))
    return f"jaxrig.take({name}, {told});\n".encode()


def _verdicts(pairing: "Pairing") -> Mapping[str, Sequence[Any]]:
    return {
        each.case: [each.verdict, each.ratio, each.low, each.high]
        for each in pairing.verdicts
        if each.metric == "time"
    }
