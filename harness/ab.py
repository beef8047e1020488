"""Two sides measured in turns: which cases need more pairs, and what was found in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.stats.judge import MOST_PAIRS, Judged, Rule, Verdict, judge
from harness.stats.paired import log_ratios

if TYPE_CHECKING:
    from harness.runner.pairs import Turned


NOT_IN_COMMON = {
    "added": "the base does not have it",
    "removed": "the candidate does not have it",
    "changed": "under this id the sides compute other things",
}
REFUTED = "a difference at first, and not again in new containers: measure once more"
BY_TESTS = "the two tests alternate, not their rounds: they are not pedantic"
OTHER_CODE = "other compiled code (HLO)"
"""Tells a slowdown that the compiler made from the same program running slower."""


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """One metric of one case: the candidate over the base, above 1 it takes more.

    `base`, `effect`: of a call, and how much more the candidate takes, in `unit`. Without a pair,
    all but `pairs` is None. `remarks`: what a reader of the verdict must know. `presence`: `both`,
    or `added`, `removed`, `changed` where the sides do not have this case in common.
    """

    case: str
    metric: str
    unit: str
    verdict: Verdict
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    base: float | None
    effect: float | None
    remarks: tuple[str, ...]
    presence: str = "both"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Something that a launch pair tells of a case: more of it is worse. `floor`: of a change
    that matters; None leaves it to the case's. `share`: of the error; most is the times', for whose
    sake pairs are measured."""

    name: str
    unit: str
    floor: float | None
    share: float


TIME = Metric(name="time", unit="s", floor=None, share=0.8)

ONCE = (
    Metric(name="compile_time", unit="s", floor=0.1, share=0.1),
    Metric(name="memory", unit="bytes", floor=0.05, share=0.1),
)
"""Told once a launch. A change of these must be larger to matter: a compiler is measured in one
call, and an allocator keeps what earlier cases left."""

Row = tuple[str, Metric]


@dataclass(frozen=True, kw_only=True)
class Ab:
    """The rule of one comparison, and its cases, all judged together. `floors`: of each."""

    cases: tuple[str, ...]
    floors: Mapping[str, float]
    rule: Rule

    def open_cases(self, turned: "Sequence[Turned]") -> tuple[str, ...]:
        """Which cases another pair may still decide: their times, and what else has been called
        slower or faster and must be confirmed."""
        judged, rows, _ = self._judge(turned)
        waits = {
            case
            for (case, metric), is_open, confirming in zip(
                rows, judged.open, judged.confirming, strict=True
            )
            if (is_open if metric is TIME else confirming)
        }
        return tuple(case for case in self.cases if case in waits)

    def as_dict(self) -> dict[str, Any]:
        """The rule, as it is kept with the pairing."""
        return asdict(self.rule) | {
            "floors": dict(self.floors),
            "floors_of_metrics": {metric.name: metric.floor for metric in ONCE},
            "shares_of_metrics": {metric.name: metric.share for metric in (TIME, *ONCE)},
        }

    def verdicts(self, turned: "Sequence[Turned]") -> tuple[dict[str, Any], ...]:
        """`results`, as they are kept."""
        return tuple(map(as_row, self.results(turned)))

    def results(self, turned: "Sequence[Turned]") -> tuple[CaseResult, ...]:
        """What was found of every case; of its other metrics, where both sides tell them."""
        judged, rows, pairs = self._judge(turned)
        found = (
            _result(row, index, judged, pairs.get(row[0], [])) for index, row in enumerate(rows)
        )
        return tuple(each for each in found if each.metric == TIME.name or each.pairs)

    def _judge(
        self, turned: "Sequence[Turned]"
    ) -> "tuple[Judged, list[Row], dict[str, list[Turned]]]":
        by_case = groupby(sorted(turned, key=lambda each: each.case), lambda each: each.case)
        pairs = {case: sorted(found, key=lambda each: each.pair) for case, found in by_case}
        rows = [(case, metric) for case in self.cases for metric in (TIME, *ONCE)]
        series = np.full((len(rows), self.rule.most_pairs), np.nan)
        for line, (case, metric) in zip(series, rows, strict=True):
            logs = [_log_ratio(each, metric) for each in pairs.get(case, [])]
            told = [each for each in logs if each is not None]
            line[: len(told)] = told
        floors = [metric.floor or self.floors[case] for case, metric in rows]
        shares = [metric.share / len(self.cases) for _, metric in rows]
        return judge(series, floors, self.rule, shares), rows, pairs


def as_row(result: CaseResult) -> dict[str, Any]:
    """`result` as it is kept; only of cases that both sides have."""
    row = asdict(result) | {"remarks": list(result.remarks)}
    del row["presence"]
    return row


def _log_ratio(pair: "Turned", metric: Metric) -> float | None:
    if metric is TIME and not pair.by_rounds:
        return float(np.log(np.median(pair.candidate_s) / np.median(pair.base_s)))
    if metric is TIME:
        return float(log_ratios(pair.base_s, pair.candidate_s))
    if metric.name not in pair.once:
        return None
    base, candidate = pair.once[metric.name]
    return float(np.log(candidate / base))


def within(rule: Rule, pairs: int) -> Rule:
    """`rule` for at most so many pairs, those that confirm included: fewer looks, or more, each
    after a third more pairs than the one before.

    Raises `UsageError` where that is too little for any look and its confirmation.
    """
    if pairs >= rule.most_pairs:
        return replace(rule, looks=_further(rule.looks, pairs - rule.confirming[-1]))
    confirming = rule.confirming[:1]
    last = pairs - confirming[-1]
    if last < 2:
        raise UsageError(f"--max-pairs {pairs} decides nothing: it takes {2 + confirming[-1]}")
    looks = (*(look for look in rule.looks if look < last), last)
    return replace(rule, looks=looks, confirming=confirming)


def _further(looks: tuple[int, ...], last: int) -> tuple[int, ...]:
    while looks[-1] < last:
        looks = (*looks, min(last, -(-looks[-1] * 4 // 3)))
    return looks


def not_in_common(others: Mapping[str, str]) -> tuple[CaseResult, ...]:
    """Cases that were measured on neither side, as results. `others`: why (`presence`)."""
    nothing = dict.fromkeys(("ratio", "low", "high", "base", "effect"))
    return tuple(
        CaseResult(
            case=case,
            metric=TIME.name,
            unit=TIME.unit,
            verdict="unclear",
            pairs=0,
            remarks=(NOT_IN_COMMON[presence],),
            presence=presence,
            **nothing,
        )
        for case, presence in others.items()
    )


def overall(results: Sequence[CaseResult]) -> Verdict:
    """One verdict over all: `slower` where anything is, in whatever metric; else the worst of
    the times, `same` only where every one is. What only one side has says nothing of it."""
    if any(each.verdict == "slower" for each in results):
        return "slower"
    verdicts = [
        each.verdict for each in results if each.metric == TIME.name and each.presence == "both"
    ]
    if "unclear" in verdicts or not verdicts:
        return "unclear"
    return "faster" if "faster" in verdicts else "same"


def _result(row: Row, index: int, judged: Judged, pairs: "list[Turned]") -> CaseResult:
    case, metric = row
    ratios = judged.ratios
    remarks = list(ratios.warnings[index])
    if judged.refuted[index]:
        remarks.append(REFUTED)
    elif metric is TIME and judged.verdicts[index] == "unclear" and int(ratios.pairs[index]) > 1:
        remarks.append(_settling(int(judged.enough[index])))
    if metric is TIME and any(each.same_code is False for each in pairs):
        remarks.append(OTHER_CODE)
    if metric is TIME and any(not each.by_rounds for each in pairs):
        remarks.append(BY_TESTS)
    base, ratio = _base(pairs, metric), _number(ratios.ratio, index)
    return CaseResult(
        case=case,
        metric=metric.name,
        unit=metric.unit,
        verdict=judged.verdicts[index],
        ratio=ratio,
        low=_number(ratios.low, index),
        high=_number(ratios.high, index),
        pairs=int(ratios.pairs[index]),
        base=base,
        effect=None if base is None or ratio is None else base * (ratio - 1.0),
        remarks=tuple(remarks),
    )


def _settling(enough: int) -> str:
    """What would make an unclear case clear."""
    if not enough:
        return f"more than {MOST_PAIRS} pairs would decide it: the change lies at the floor"
    return f"some {enough} pairs would decide it (--max-pairs)"


def _base(pairs: "list[Turned]", metric: Metric) -> float | None:
    """The median over launches; of times, of their medians."""
    if metric is TIME:
        found = [float(np.median(each.base_s)) for each in pairs]
    else:
        found = [each.once[metric.name][0] for each in pairs if metric.name in each.once]
    return float(np.median(found)) if found else None


def _number(values: NDArray[np.float64], index: int) -> float | None:
    value = float(values[index])
    return None if np.isnan(value) else value
