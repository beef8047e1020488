"""Two stored runs that were measured apart: what changed, how surely, what cannot be compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness import differences
from harness.caveats import caveats_of
from harness.differences import PARAMETERS
from harness.spread import Spread, spread_of
from harness.stats.judge import Verdict
from harness.stats.unpaired import (
    Apart,
    apart,
    judge_runs,
    launches_wanted,
    ratios_of_runs,
    runs_wanted,
)

if TYPE_CHECKING:
    import pandas as pd

    from harness.store.pairings import Pairing
    from harness.store.reader import Launch, Run

Presence = Literal["both", "added", "removed"]

OTHER_WORK = "not the same work: the parameters differ"
IN_TURNS = "no number of launches would settle it, turns would"
ACROSS = "no number of launches would settle it: runs of these machines scatter too much"


@dataclass(frozen=True, kw_only=True)
class CaseComparison:
    """One case in both runs, or in one of them (`added`, `removed`: then without a ratio).

    `ratio`: candidate over base. `low`, `high`: its interval, None where the spread between runs is
    unknown or the work differs. `settle`: why it is `unclear`, and what would settle it.
    """

    case: str
    workload: str
    presence: Presence
    base_median_s: float | None
    candidate_median_s: float | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict = "unclear"
    differences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    settle: str | None = None
    metric: str = "time"


@dataclass(frozen=True, kw_only=True)
class WorkloadRatio:
    """The geometric mean over so many cases of a workload, at least one; without an interval where
    one of them has none."""

    workload: str
    ratio: float | None
    low: float | None
    high: float | None
    cases: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything about two runs. `differences`: what makes them unlike as a whole; `alike`: whether
    machine, platform and isolation are none of it. `notes`: what a reader of the verdicts must
    know. `in_turns`: words of the `jaxrig ab` that would decide what is unclear; empty where none
    can."""

    base: str
    candidate: str
    alike: bool
    differences: tuple[str, ...]
    cases: tuple[CaseComparison, ...]
    workloads: tuple[WorkloadRatio, ...]
    notes: tuple[str, ...]
    in_turns: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """`slower` where anything is; else the worst. A case that is gone leaves it `unclear`."""
        found = {each.verdict for each in self.cases if each.presence != "added"}
        worst: tuple[Verdict, ...] = ("slower", "unclear", "faster", "same")
        return next((verdict for verdict in worst if verdict in found), "unclear")

    @property
    def regressions(self) -> tuple[str, ...]:
        """Slower cases; none between machines, platforms or kinds of isolation: there it is no
        regression."""
        slower = (each.case for each in self.cases if each.verdict == "slower")
        return tuple(slower) if self.alike else ()


@dataclass(frozen=True, kw_only=True)
class Side:
    """A stored run as it is compared. `measurements`, `history`: as `Reader` gives them; `machine`:
    facts of its hardware; `pairings`: in which it was measured in turns."""

    run: "Run"
    measurements: "pd.DataFrame"
    launches: Sequence["Launch"]
    history: "pd.DataFrame"
    machine: Mapping[str, Any] = field(default_factory=dict)
    pairings: Sequence["Pairing"] = ()


def compare(base: Side, candidate: Side, floor: Callable[[str], float]) -> Comparison:
    """Judges each case by what the machine's runs scatter, and names what makes the two unlike.

    `floor`: of a case, the smallest change that matters. Where both are alike, `base.history` is of
    both.
    """
    pairs = _cases(base, candidate)
    judged = _judge(base, candidate, [each for each in pairs if each.same_work], floor)
    cases = tuple(judged.cases.get(each.case) or each.unjudged() for each in pairs)
    return Comparison(
        base=base.run.run,
        candidate=candidate.run.run,
        alike=differences.are_alike(base, candidate),
        differences=tuple(differences.of_runs(base, candidate)),
        cases=cases,
        workloads=tuple(_workloads(cases)),
        notes=tuple(caveats_of(base, candidate, cases, judged.spreads)),
        in_turns=_in_turns(base, candidate, cases),
    )


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """The rows of one case on either side."""

    case: str
    workload: str
    base: "pd.DataFrame | None"
    candidate: "pd.DataFrame | None"
    differences: tuple[str, ...]

    @property
    def same_work(self) -> bool:
        both = self.base is not None and self.candidate is not None
        return both and not any(each.startswith(PARAMETERS) for each in self.differences)

    def unjudged(self) -> CaseComparison:
        """As it stands, with neither interval nor verdict."""
        before, after = (
            None if rows is None else float(np.median(rows["median_s"].to_numpy()))
            for rows in (self.base, self.candidate)
        )
        both = before is not None and after is not None
        return CaseComparison(
            case=self.case,
            workload=self.workload,
            presence="added" if before is None else "removed" if after is None else "both",
            base_median_s=before,
            candidate_median_s=after,
            ratio=after / before if before and after else None,
            differences=self.differences,
            settle=OTHER_WORK if both else None,
        )


@dataclass(frozen=True, kw_only=True)
class _Judged:
    cases: dict[str, CaseComparison]
    spreads: tuple[Spread, ...]


def _cases(base: Side, candidate: Side) -> list[_Pair]:
    """Every case of either run, the base's first."""
    before, after = (
        {str(name): rows for name, rows in side.measurements.groupby("case", sort=False)}
        for side in (base, candidate)
    )
    return [
        _Pair(
            case=case,
            workload=str((before | after)[case]["workload"].iloc[0]),
            base=before.get(case),
            candidate=after.get(case),
            differences=tuple(differences.of_case(before[case], after[case]))
            if case in before and case in after
            else (),
        )
        for case in dict.fromkeys((*before, *after))
    ]


def _judge(
    base: Side, candidate: Side, pairs: Sequence[_Pair], floor: Callable[[str], float]
) -> _Judged:
    names = [each.case for each in pairs]
    compared = {base.run.run, candidate.run.run}
    sides = (base,) if differences.are_alike(base, candidate) else (base, candidate)
    spreads = tuple(spread_of(side.history, names, compared) for side in sides)
    first, second = (
        _launch_medians([getattr(pair, side) for pair in pairs]) for side in ("base", "candidate")
    )
    runs = apart(first, second, [each.components for each in spreads])
    floors = np.array([floor(name) for name in names])
    found = ratios_of_runs(runs)
    advice = _settle(runs, floors, list(zip(spreads, sides, strict=True)))
    rows = zip(pairs, judge_runs(found, floors), advice, strict=True)
    cases = {
        pair.case: replace(
            pair.unjudged(),
            ratio=_number(found.ratio[index]),
            low=_number(found.low[index]),
            high=_number(found.high[index]),
            verdict=verdict,
            warnings=found.warnings[index],
            settle=settle if verdict == "unclear" else None,
        )
        for index, (pair, verdict, settle) in enumerate(rows)
    }
    return _Judged(cases=cases, spreads=spreads)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _launch_medians(rows: "Sequence[pd.DataFrame]") -> NDArray[np.float64]:
    """Shape (cases, launches), NaN where a case has fewer."""
    medians = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for line, each in zip(medians, rows, strict=True):
        line[: len(each)] = each["median_s"].to_numpy()
    return medians


def _settle(
    runs: Apart, floors: NDArray[np.float64], spreads: Sequence[tuple[Spread, Side]]
) -> list[str]:
    """Of each case, what would settle it, were it unclear."""
    advice = []
    launches, more = launches_wanted(runs, floors), runs_wanted(runs, floors)
    none = IN_TURNS if len(spreads) == 1 else ACROSS
    for index in range(len(floors)):
        lacking = [(int(each.runs_lacking[index]), side) for each, side in spreads]
        if unknown := _lacking(lacking):
            advice.append(unknown)
        elif launches[index]:
            advice.append(f"{launches[index]} launches a side would settle it")
        elif more[index]:
            advice.append(f"{more[index]} more runs of what does not change would settle it")
        else:
            advice.append(none)
    return advice


def _lacking(counts: Sequence[tuple[int, Side]]) -> str:
    """How many more runs of what, where; the place is told where there is more than one."""
    wanted = []
    for count, side in counts:
        run = side.run
        where = f" ({run.isolation} on {run.machine})" if len(counts) > 1 else ""
        if count:
            wanted.append(f"{count} more run(s) of {run.target} as it is{where}")
    return f"spread between runs unknown; would tell: {', '.join(wanted)}" if wanted else ""


def _workloads(cases: Sequence[CaseComparison]) -> Iterator[WorkloadRatio]:
    """Geometric means. Cases of a run share its fate, so that averaging them narrows nothing: the
    ends of the mean's interval are the geometric means of the ends. Where all intervals of cases
    hold (their error is shared out so that they do together), this one does too."""
    rated = [each for each in cases if each.ratio is not None and each.settle != OTHER_WORK]
    by_name = sorted(rated, key=lambda each: each.workload)
    for workload, group in groupby(by_name, lambda each: each.workload):
        found = list(group)
        yield WorkloadRatio(
            workload=workload,
            ratio=_mean([each.ratio for each in found]),
            low=_mean([each.low for each in found]),
            high=_mean([each.high for each in found]),
            cases=len(found),
        )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.exp(np.mean(np.log(known)))) if len(known) == len(values) else None


def _in_turns(base: Side, candidate: Side, cases: Sequence[CaseComparison]) -> tuple[str, ...]:
    """`ab` measures side by side on one machine: targets as they are now, or, of one target, the
    images of then. A suite of one's own would have to be found first."""
    run, other = base.run, candidate.run
    unclear = [each.case for each in cases if each.verdict == "unclear" and each.presence == "both"]
    sides: tuple[str, ...] = (run.target, other.target)
    if run.target == other.target:
        sides = tuple(f"{each.target}@{each.image[:19]}" for each in (run, other) if each.image)
    possible = differences.are_alike(base, candidate) and len(set(sides)) == 2
    if not unclear or not possible or run.suite.startswith("own:"):
        return ()
    words = ["ab", *sides, "--suite", run.suite]
    if run.isolation != "container":
        words += ["--isolation", run.isolation]
    some = () if len(unclear) == len(cases) else unclear
    return (*words, *(word for case in some for word in ("--case", case)))
