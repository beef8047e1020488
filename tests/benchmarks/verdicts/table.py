"""Counts with their intervals, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import binomtest, t
from tabulate import tabulate

from tests.benchmarks.verdicts import CASES, SHARES
from tests.benchmarks.verdicts.calibrate import Extras
from tests.benchmarks.verdicts.plan import PEERS, Item, Who
from tests.benchmarks.verdicts.resample import DRAWS, called_slower, pool

Results = Mapping[Item, dict[str, Any]]

ASV_BY_DEFAULT = "asv, by its default factor of 1.1"


@dataclass(frozen=True, kw_only=True)
class Count:
    """`slower` of so many `decisions` were called slower."""

    slower: int
    decisions: int

    def interval(self) -> tuple[float, float]:
        """The exact 95 % interval (Clopper and Pearson 1934) for the share of them."""
        found = binomtest(self.slower, self.decisions).proportion_ci(method="exact")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.slower} of {self.decisions} ({100 * low:.1f}–{100 * high:.1f} %)"


def said(item: Item, result: Mapping[str, Any]) -> dict[str, str]:
    """What was said of each case's time."""
    if item.who != "jaxrig":
        return dict(result["said"])
    return {
        each["case"]: each["verdict"] for each in result["verdicts"] if each["metric"] == "time"
    }


def count(
    results: Results, who: Who, noise: bool, share: float, cases: Sequence[str] = CASES
) -> Count | None:
    """None where nothing was measured."""
    verdicts = [
        verdict
        for item, result in results.items()
        if (item.who, item.noise, item.share) == (who, noise, share)
        for case, verdict in said(item, result).items()
        if case in cases
    ]
    return Count(slower=verdicts.count("slower"), decisions=len(verdicts)) if verdicts else None


def seconds_a_case(results: Results, who: Who, noise: bool) -> float | None:
    """On average over comparisons."""
    taken = [
        result["took_s"] / len(CASES)
        for item, result in results.items()
        if (item.who, item.noise) == (who, noise)
    ]
    return fmean(taken) if taken else None


def main_table(results: Results) -> str:
    """Who, with noise or without, called slower what is unchanged, and what is slower."""
    rows: list[tuple[str, bool, list[Count | float | None]]] = []
    for noise in (True, False):
        for who in ("jaxrig", *PEERS):
            counts = [count(results, who, noise, share) for share in (0.0, *SHARES)]
            if any(counts):
                rows.append((who, noise, [*counts, seconds_a_case(results, who, noise)]))
            if who == "jaxrig" and counts[0]:
                rows.append(("jaxrig, resampled", noise, [resampled(results, noise)["time"]]))
            if who == "asv" and any(counts):
                by_default = {
                    item: {**result, "said": result["said_by_default"]}
                    for item, result in results.items()
                    if item.who == "asv"
                }
                counts = [count(by_default, who, noise, share) for share in (0.0, *SHARES)]
                rows.append((ASV_BY_DEFAULT, noise, [*counts]))
    shares = [f"{100 * share:g} % slower: found" for share in SHARES]
    headers = ["", "noise", "unchanged: called slower", *shares, "s a case"]
    shown = [[who, "yes" if noise else "no", *map(_cell, rest)] for who, noise, rest in rows]
    return tabulate(shown, headers, tablefmt="github", missingval="", disable_numparse=True)


def resampled(results: Results, noise: bool) -> dict[str, Count]:
    """By metric, of unchanged sides."""
    pairs = pool(
        result
        for item, result in results.items()
        if (item.who, item.noise, item.share) == ("jaxrig", noise, 0.0)
    )
    decisions = DRAWS * len(CASES)
    return {
        metric: Count(slower=slower, decisions=decisions)
        for metric, slower in called_slower(pairs).items()
    }


def other_alarms(results: Results) -> Count:
    """Compile times and memory that `ab` called slower in unchanged series."""
    verdicts = [
        each["verdict"]
        for item, result in results.items()
        if item.who == "jaxrig" and item.share == 0
        for each in result["verdicts"]
        if each["metric"] != "time"
    ]
    return Count(slower=verdicts.count("slower"), decisions=len(verdicts))


def case_table(results: Results, claims: Sequence[Extras]) -> str:
    """Case by case: what the ballast adds by measurement, and in how many series it was found."""
    rows = []
    for case in CASES:
        row = [case]
        for share in SHARES:
            found = count(results, "jaxrig", True, share, [case])
            measured = [each[case][f"{share:g}"] for each in claims]
            row += [_measured(measured), f"{found.slower} of {found.decisions}" if found else ""]
        rows.append(row)
    headers = ["case"]
    for share in SHARES:
        headers += [f"{100 * share:g} %: measured", "found"]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def _measured(values: Sequence[float]) -> str:
    """The mean over containers, in per cent, with the half of its 95 % interval (Student's)."""
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{100 * fmean(values):.1f} ± {100 * half:.1f} %"


def _cell(value: Count | float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if isinstance(value, float) else str(value)
