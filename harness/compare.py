"""Two stored runs side by side: what changed, by how much, and what cannot be compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.stats.unpaired import Ratio, ratio_of_runs

if TYPE_CHECKING:
    import pandas as pd

    from harness.store.reader import Run

Verdict = Literal["slower", "faster", "same", "unclear"]
Presence = Literal["both", "added", "removed"]

_IDENTITY = ("machine", "platform", "isolation", "target", "image", "suite", "jaxrig_version")


@dataclass(frozen=True, kw_only=True)
class CaseComparison:
    """One case in both runs, or in one of them (`added`, `removed`: then without a ratio)."""

    case: str
    presence: Presence
    base_median_s: float | None
    candidate_median_s: float | None
    ratio: Ratio | None
    differences: tuple[str, ...]
    metric: str = "time"

    @property
    def verdict(self) -> Verdict:
        """Runs that were not measured in turns allow no claim: on a shared machine, five
        launches against the five before them are off by more than 5 % in most trials with
        nothing changed. The ratio and its range are there to read; a decision needs turns."""
        return "unclear"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything about two runs: `differences` lists what makes them unlike as a whole."""

    base: str
    candidate: str
    differences: tuple[str, ...]
    cases: tuple[CaseComparison, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict over all cases."""
        verdicts = {case.verdict for case in self.cases}
        return verdicts.pop() if len(verdicts) == 1 else "unclear"


def compare(
    base: "Run",
    candidate: "Run",
    base_measurements: "pd.DataFrame",
    candidate_measurements: "pd.DataFrame",
) -> Comparison:
    """Compares launch medians case by case (see `Reader.measurements` for the frames)."""
    groups = (
        dict(iter(base_measurements.groupby("case", sort=False))),
        dict(iter(candidate_measurements.groupby("case", sort=False))),
    )
    names = dict.fromkeys((*groups[0], *groups[1]))
    return Comparison(
        base=base.run,
        candidate=candidate.run,
        differences=tuple(_differences(base, candidate)),
        cases=tuple(
            _compare_case(str(name), groups[0].get(name), groups[1].get(name)) for name in names
        ),
    )


def _compare_case(
    name: str, base: "pd.DataFrame | None", candidate: "pd.DataFrame | None"
) -> CaseComparison:
    present: Presence = "added" if base is None else "removed" if candidate is None else "both"
    ratio: Ratio | None = None
    differences: tuple[str, ...] = ()
    if base is not None and candidate is not None:
        ratio = ratio_of_runs(base["median_s"].to_numpy(), candidate["median_s"].to_numpy())
        differences = tuple(_case_differences(base, candidate))
    return CaseComparison(
        case=name,
        presence=present,
        base_median_s=None if base is None else float(base["median_s"].median()),
        candidate_median_s=None if candidate is None else float(candidate["median_s"].median()),
        ratio=ratio,
        differences=differences,
    )


def _differences(base: "Run", candidate: "Run") -> Iterator[str]:
    for field in _IDENTITY:
        before, after = getattr(base, field), getattr(candidate, field)
        if before != after:
            yield f"{field}: {_short(before)} → {_short(after)}"


def _case_differences(base: "pd.DataFrame", candidate: "pd.DataFrame") -> Iterator[str]:
    before, after = base.iloc[0], candidate.iloc[0]
    if before["parameters"] != after["parameters"]:
        yield f"parameters: {before['parameters']} → {after['parameters']}"
    if set(base["hlo_sha256"]) != set(candidate["hlo_sha256"]):
        yield "other compiled code (HLO)"


def _short(value: Any) -> str:
    text = str(value)
    return text[:19] if text.startswith("sha256:") else text
