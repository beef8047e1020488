"""The first page: is anything slower, what limits what, how do machines compare, what is there?"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean
from typing import TYPE_CHECKING

from harness.report.roofline import STYLES
from harness.report.site import addresses
from harness.report.site.cases import cases_table
from harness.report.site.facts import place_of, ratio, run_cell, started
from harness.report.site.regressions import regressions_table
from harness.report.site.table import NOTHING, SIGNS, Cell, Table, number, said, told

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.bottleneck import Bottlenecks
    from harness.store.pairings import Pairing
    from harness.store.reader import Run

MOST_NIGHTS = 14
"""Of which a row tells the verdicts."""

MOST_CASES = 100
"""Of the first page; all of them have a page of their own. It opens at once, however many there
are."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """`answer`: of the first question, in a sentence. `counts`: what is in the database."""

    answer: Cell
    regressions: Table
    latest: Table
    limits: Table | None
    machines: Table | None
    counts: Sequence[tuple[str, str]]
    cases: Table


def overview(archive: "Archive", labels_of: Callable[["Run"], "Bottlenecks | None"]) -> Overview:
    return Overview(
        answer=answer(archive),
        regressions=regressions_table(archive),
        latest=latest_table(archive),
        limits=limits_table(archive, labels_of),
        machines=relative_table(archive, _medians(archive)),
        counts=list(_counts(archive)),
        cases=cases_table(archive, MOST_CASES),
    )


def answer(archive: "Archive") -> Cell:
    if archive.open:
        return _slower(len(archive.open))
    looked_at = sum(not each.levels.few for each in archive.series)
    if looked_at:
        return Cell(text=f"= Nothing: no regression is open in {looked_at} series", kind="same")
    return Cell(text="? Nobody can tell yet: no series is long enough", kind="unclear")


def answer_as_kept(archive: "Archive") -> Cell:
    """Where no series was looked at: by the regressions that were kept."""
    if archive.open:
        return _slower(len(archive.open))
    if archive.regressions:
        count = len(archive.regressions)
        return Cell(text=f"= Nothing: none of the {count} kept is open", kind="same")
    return Cell(text="? Nobody looked: no regression was ever kept", kind="unclear")


def _slower(count: int) -> Cell:
    these = "regression is" if count == 1 else "regressions are"
    return Cell(text=f"▲ {count} {these} open", kind="slower")


def latest_table(archive: "Archive", note: str = "") -> Table:
    """`note`: what a reader has to know beside what its columns mean."""
    return Table(
        name="latest",
        caption="The newest run of each machine and target",
        headers=(
            *("where", "run", "began (UTC)", "status", "suite", "measured", "failed"),
            *("in turns", "last nights"),
        ),
        rows=[_latest_row(archive, run) for run in archive.latest],
        numbers=frozenset({5, 6}),
        note=note
        + "last nights: what was said of those measured in turns, the oldest first: "
        + ", ".join(f"{SIGNS[word]} {word}" for word in _WORST_FIRST),
    )


def _latest_row(archive: "Archive", run: "Run") -> tuple[Cell, ...]:
    nights = archive.judged[archive.place_of(run)]
    newest = [each for each in archive.in_turns.get(run.run, ()) if each.verdicts][-1:]
    return (
        told(place_of(archive, run)),
        run_cell(run),
        told(started(run)),
        said(run.status),
        told(run.suite),
        number(str(run.measurements), run.measurements),
        Cell(text=str(run.failures), sort=run.failures, kind="failed" if run.failures else None),
        told(", ".join(_counted(each) for each in newest)),
        told(" ".join(SIGNS[_worst(each)] for each in nights[-MOST_NIGHTS:])),
    )


def _counted(pairing: "Pairing") -> str:
    verdicts = Counter(each.verdict for each in pairing.verdicts if each.metric == "time")
    return ", ".join(f"{verdicts[word]} {word}" for word in _WORST_FIRST if verdicts[word])


def _worst(pairing: "Pairing") -> str:
    found = {each.verdict for each in pairing.verdicts}
    return next((word for word in _WORST_FIRST if word in found), "unclear")


_WORST_FIRST = ("slower", "unclear", "faster", "same")


def limits_table(
    archive: "Archive", labels_of: Callable[["Run"], "Bottlenecks | None"]
) -> Table | None:
    """A row a machine and target, a column a label; None where nothing has ceilings."""
    counted: list[tuple[Run, Mapping[str, int]]] = []
    for run in archive.latest:
        labels = labels_of(run)
        if labels is not None:
            counted.append((run, Counter(each.label for each in labels.labelled)))
    shown = [label for label in STYLES if any(counts.get(label) for _, counts in counted)]
    if not shown:
        return None
    return Table(
        name="limits",
        caption="How many cases of the newest run each limit binds",
        headers=("where", *shown),
        rows=[
            (
                told(place_of(archive, run), addresses.of_run(run.run) + "#limits"),
                *(number(str(counts.get(label, 0)), counts.get(label, 0)) for label in shown),
            )
            for run, counts in counted
        ],
        numbers=frozenset(range(1, len(shown) + 1)),
    )


def _medians(archive: "Archive") -> Mapping[str, Mapping[str, float]]:
    """Of the newest runs."""
    medians = {run.run: dict[str, float]() for run in archive.latest}
    for case, runs in archive.measured.items():
        for each in runs:
            if each.run in medians:
                medians[each.run][case] = each.median_s
    return medians


def relative_table(
    archive: "Archive", medians: Mapping[str, Mapping[str, float]], *, sign: str = "#"
) -> Table | None:
    """Geometric means over the cases that both measured, by workload; None of a single one.
    `medians`: by run and case; `sign`: as of `addresses.of_comparison`."""
    measured = [run for run in archive.latest if medians.get(run.run)]
    if len(measured) < 2:
        return None
    base, *others = measured
    workloads = sorted({workload_of(case) for case in medians[base.run]})
    rows = [
        (
            told(place_of(archive, run), addresses.of_comparison(base.run, run.run, sign=sign)),
            *(_mean(medians[base.run], medians[run.run], workload) for workload in workloads),
        )
        for run in others
    ]
    return Table(
        name="machines",
        caption=f"Times relative to {place_of(archive, base)}",
        headers=("where", *workloads),
        rows=rows,
        numbers=frozenset(range(1, len(workloads) + 1)),
        note="geometric means over the cases that both measured; above 1 it takes longer",
    )


def workload_of(case: str) -> str:
    """The first word of a case's path; of one's own the file of its test."""
    return case.partition("::")[0] if "::" in case else case.partition("/")[0]


def _mean(base: Mapping[str, float], other: Mapping[str, float], workload: str) -> Cell:
    shared = [case for case in base if case in other and workload_of(case) == workload]
    if not shared:
        return NOTHING
    return ratio(exp(fmean(log(other[case] / base[case]) for case in shared)))


def _counts(archive: "Archive") -> Iterator[tuple[str, str]]:
    runs = list(archive.runs.values())
    yield "runs", f"{len(runs):,}"
    yield "measurements", f"{sum(run.measurements for run in runs):,}"
    yield "cases", f"{len(archive.measured):,}"
    yield "machines", f"{len({archive.counts_as[run.machine] for run in runs}):,}"
    yield "targets", f"{len({run.target for run in runs}):,}"
    if runs:
        yield "from", started(runs[0])
        yield "to", started(runs[-1])
