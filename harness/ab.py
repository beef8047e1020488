"""Two sides measured in turns: which cases need more pairs, and what was found in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.stats.judge import Judged, Rule, Verdict, judge
from harness.stats.paired import log_ratios

if TYPE_CHECKING:
    from harness.runner.pairs import Turned


OTHER_CODE = "other compiled code (HLO)"
"""Tells a slowdown that the compiler made from the same program running slower."""


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """One case on both sides: the candidate's time over the base's, above 1 it takes longer.

    `effect_s`: how much longer a call takes. Without a pair, all but `pairs` is None.
    `remarks`: what a reader of the verdict must know.
    """

    case: str
    verdict: Verdict
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    base_s: float | None
    effect_s: float | None
    remarks: tuple[str, ...]
    metric: str = "time"


@dataclass(frozen=True, kw_only=True)
class Ab:
    """The rule of one comparison, and its cases, all judged together. `floors`: of each."""

    cases: tuple[str, ...]
    floors: Mapping[str, float]
    rule: Rule

    def open_cases(self, turned: "Sequence[Turned]") -> tuple[str, ...]:
        """Which cases another pair may still decide."""
        judged, _ = self._judge(turned)
        return tuple(case for case, waits in zip(self.cases, judged.open, strict=True) if waits)

    def as_dict(self) -> dict[str, Any]:
        """The rule, as it is kept with the pairing."""
        return asdict(self.rule) | {"floors": dict(self.floors)}

    def verdicts(self, turned: "Sequence[Turned]") -> tuple[dict[str, Any], ...]:
        """`results`, as they are kept."""
        return tuple(
            asdict(result) | {"remarks": list(result.remarks)} for result in self.results(turned)
        )

    def results(self, turned: "Sequence[Turned]") -> tuple[CaseResult, ...]:
        """What was found of every case."""
        judged, times = self._judge(turned)
        return tuple(
            _result(case, index, judged, times.get(case, []))
            for index, case in enumerate(self.cases)
        )

    def _judge(self, turned: "Sequence[Turned]") -> "tuple[Judged, dict[str, list[Turned]]]":
        by_case = groupby(sorted(turned, key=lambda each: each.case), lambda each: each.case)
        times = {case: sorted(found, key=lambda each: each.pair) for case, found in by_case}
        series = np.full((len(self.cases), self.rule.most_pairs), np.nan)
        for row, case in zip(series, self.cases, strict=True):
            pairs = times.get(case, [])
            row[: len(pairs)] = [log_ratios(each.base_s, each.candidate_s) for each in pairs]
        floors = [self.floors[case] for case in self.cases]
        return judge(series, floors, self.rule), times


def within(rule: Rule, pairs: int) -> Rule:
    """`rule` for at most so many pairs, those that confirm included.

    Raises `UsageError` where that is too little for any look and its confirmation.
    """
    if pairs >= rule.most_pairs:
        return rule
    confirming = rule.confirming[:1]
    last = pairs - confirming[-1]
    if last < 2:
        raise UsageError(f"--max-pairs {pairs} decides nothing: it takes {2 + confirming[-1]}")
    looks = (*(look for look in rule.looks if look < last), last)
    return replace(rule, looks=looks, confirming=confirming)


def overall(results: Sequence[CaseResult]) -> Verdict:
    """One verdict over all: the worst that was found; `same` only where every case is."""
    verdicts = [each.verdict for each in results]
    if "slower" in verdicts:
        return "slower"
    if "unclear" in verdicts or not verdicts:
        return "unclear"
    return "faster" if "faster" in verdicts else "same"


def _result(case: str, index: int, judged: Judged, pairs: "list[Turned]") -> CaseResult:
    ratios = judged.ratios
    remarks = list(ratios.warnings[index])
    if judged.refuted[index]:
        remarks.append("slower at first, and not again in new containers")
    if any(each.same_code is False for each in pairs):
        remarks.append(OTHER_CODE)
    base_s = float(np.median([np.median(each.base_s) for each in pairs])) if pairs else None
    ratio = _number(ratios.ratio, index)
    return CaseResult(
        case=case,
        verdict=judged.verdicts[index],
        ratio=ratio,
        low=_number(ratios.low, index),
        high=_number(ratios.high, index),
        pairs=int(ratios.pairs[index]),
        base_s=base_s,
        effect_s=None if base_s is None or ratio is None else base_s * (ratio - 1.0),
        remarks=tuple(remarks),
    )


def _number(values: NDArray[np.float64], index: int) -> float | None:
    value = float(values[index])
    return None if np.isnan(value) else value
