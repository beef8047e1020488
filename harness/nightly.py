"""A night: tonight's image in turns with the anchor, judged against the nights before."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.stats.judge import Verdict
from harness.stats.nights import NightJudged, NightRule, judge_night
from harness.stats.paired import Float64Array, log_ratios, ratios_of_pairs

if TYPE_CHECKING:
    import pandas as pd

    from harness.runner.pairs import Turned
    from harness.store.nights import Anchor

INTERVAL_ERROR = 0.05
"""Of the interval of a ratio to the anchor, each by itself."""

REFUTED = "slower at first, and not again in new containers"


@dataclass(frozen=True, kw_only=True)
class NightResult:
    """One case of one night. Above 1 tonight takes longer.

    `ratio`: to the anchor, with an interval over tonight's pairs; `change`: to the `nights` before,
    with one over nights, which the verdict is by. None is what there was too little for. `base`:
    seconds of a call of the anchor tonight, `effect`: how many more tonight takes than before.
    """

    case: str
    metric: str
    verdict: Verdict
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    change: float | None
    change_low: float | None
    change_high: float | None
    nights: int
    base: float | None
    effect: float | None
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Night:
    """The rule of a night and its cases. `before`: log ratios of earlier nights to the anchor, the
    oldest first, shape (cases, nights), NaN where a case was not measured; over so many
    `bridges`."""

    cases: tuple[str, ...]
    floors: Mapping[str, float]
    before: Float64Array
    bridges: int
    rule: NightRule

    def open_cases(self, turned: "Sequence[Turned]") -> tuple[str, ...]:
        """What is not yet measured as often as a night wants, or waits to be confirmed."""
        judged, _, _ = self._judge(turned)
        return tuple(case for case, waits in zip(self.cases, judged.open, strict=True) if waits)

    def as_dict(self) -> dict[str, Any]:
        """The rule, as it is kept with the pairing."""
        return {"night": True, **asdict(self.rule), "floors": dict(self.floors)}

    def verdicts(self, turned: "Sequence[Turned]") -> tuple[dict[str, Any], ...]:
        """`results` as they are kept: verdicts against the nights before, ratios to the anchor."""
        kept = ("case", "metric", "verdict", "ratio", "low", "high", "pairs", "base", "effect")
        return tuple(
            {name: getattr(each, name) for name in kept}
            | {"unit": "s", "remarks": list(each.remarks)}
            for each in self.results(turned)
        )

    def results(self, turned: "Sequence[Turned]") -> tuple[NightResult, ...]:
        """What was found of every case."""
        judged, pairs, bases = self._judge(turned)
        ratios = ratios_of_pairs(pairs, INTERVAL_ERROR)
        return tuple(
            NightResult(
                case=case,
                metric="time",
                verdict=judged.verdicts[index],
                ratio=_known(ratios.ratio[index]),
                low=_known(ratios.low[index]),
                high=_known(ratios.high[index]),
                pairs=int(ratios.pairs[index]),
                change=_known(judged.ratio[index]),
                change_low=_known(judged.low[index]),
                change_high=_known(judged.high[index]),
                nights=int(judged.nights[index]),
                base=_known(bases[index]),
                effect=_known(bases[index] * judged.usual[index] * (judged.ratio[index] - 1.0)),
                remarks=tuple(self._remarks(judged, index, int(ratios.pairs[index]))),
            )
            for index, case in enumerate(self.cases)
        )

    def _remarks(self, judged: NightJudged, index: int, pairs: int) -> list[str]:
        remarks = []
        if pairs < self.rule.pairs:
            remarks.append(f"{pairs} of {self.rule.pairs} launch pairs")
        if judged.nights[index] < self.rule.least_nights:
            nights = f"{judged.nights[index]} night(s) with this anchor before"
            remarks.append(f"{nights}: a verdict wants {self.rule.least_nights}")
        if judged.refuted[index]:
            remarks.append(REFUTED)
        return remarks

    def _judge(self, turned: "Sequence[Turned]") -> tuple[NightJudged, Float64Array, Float64Array]:
        """Also each case's log ratios, pair by pair, and seconds of a call of the anchor."""
        rows = {case: index for index, case in enumerate(self.cases)}
        series = np.full((len(rows), self.rule.most_pairs), np.nan)
        bases = np.full(series.shape, np.nan)
        counts = dict.fromkeys(self.cases, 0)
        for each in sorted(turned, key=lambda each: each.pair):
            place = rows[each.case], counts[each.case]
            series[place] = log_ratios(each.base_s, each.candidate_s)
            bases[place] = np.median(each.base_s)
            counts[each.case] += 1
        floors = [self.floors[case] for case in self.cases]
        return (
            judge_night(series, self.before, floors, self.rule, bridges=self.bridges),
            series,
            _medians(bases),
        )


def overall(results: Sequence[NightResult]) -> Verdict:
    """The worst of all: `same` only where every one is."""
    verdicts = {each.verdict for each in results}
    ranked: tuple[Verdict, ...] = ("slower", "unclear", "faster")
    return next((each for each in ranked if each in verdicts), "same" if verdicts else "unclear")


@dataclass(frozen=True, kw_only=True)
class Before:
    """Log ratios of earlier nights to the anchor, as `Night` takes them."""

    ratios: Float64Array
    bridges: int


def before_tonight(
    anchors: "Sequence[Anchor]",
    turns: "Mapping[int, pd.DataFrame]",
    cases: Sequence[str],
    rule: NightRule,
) -> Before:
    """The nights before, from the turns of each anchor's (by its id, as `Reader.turns` gives them).

    Of the newest anchor's epoch, the oldest anchor first: a bridge turns ratios to one into ratios
    to the next.
    """
    found, bridges = np.full((len(cases), 0), np.nan), 0
    last_nights: list[int] = []
    for anchor in anchors:
        if anchor.bridge is None:
            found, bridges = found[:, :0], 0
        elif found.shape[1]:
            bridge = last_nights.index(anchor.bridge) if anchor.bridge in last_nights else None
            step = np.nan if bridge is None else found[:, -len(last_nights) :][:, [bridge]]
            found, bridges = found - step, bridges + 1
        ratios, last_nights = _nights(turns[anchor.id], cases, rule)
        found = np.concatenate([found, ratios], axis=1)
    return Before(ratios=found, bridges=bridges)


def _nights(
    turns: "pd.DataFrame", cases: Sequence[str], rule: NightRule
) -> tuple[Float64Array, list[int]]:
    """Each night's log ratios, shape (cases, nights), and which pairing it is."""
    rows = {case: index for index, case in enumerate(cases)}
    nights = list(turns.groupby("pairing", sort=False))
    found = np.full((len(cases), len(nights)), np.nan)
    for column, (_, night) in enumerate(nights):
        for case, pairs in night.groupby("case", sort=False):
            if case in rows and len(pairs) >= rule.pairs:
                first = pairs.iloc[: rule.pairs]
                logs = map(log_ratios, first["base_s"], first["candidate_s"])
                found[rows[str(case)], column] = np.mean(list(logs))
    return found, [int(night["pairing"].iloc[0]) for _, night in nights]


def _medians(values: Float64Array) -> Float64Array:
    """Of each row's numbers; NaN where there are none."""
    there = (row[~np.isnan(row)] for row in values)
    return np.array([np.median(row) if row.size else np.nan for row in there])


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
