"""Two stored runs side by side: what changed, by how much, and what cannot be compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.stats.unpaired import Ratio, ratio_of_runs

if TYPE_CHECKING:
    import pandas as pd

    from harness.store.reader import Launch, Run

Verdict = Literal["slower", "faster", "same", "unclear"]
Presence = Literal["both", "added", "removed"]

_IDENTITY = ("machine", "platform", "isolation", "target", "image", "suite", "jaxrig_version")
_SURROUNDINGS = ("limits", "env")


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


@dataclass(frozen=True, kw_only=True)
class Side:
    """A stored run as it is compared; `measurements` as `Reader.measurements` gives them."""

    run: "Run"
    measurements: "pd.DataFrame"
    launches: Sequence["Launch"]


def compare(base: Side, candidate: Side) -> Comparison:
    """Compares launch medians case by case, and names what makes the two runs unlike."""
    groups = tuple(
        dict(iter(side.measurements.groupby("case", sort=False))) for side in (base, candidate)
    )
    names = dict.fromkeys((*groups[0], *groups[1]))
    return Comparison(
        base=base.run.run,
        candidate=candidate.run.run,
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


def _differences(base: Side, candidate: Side) -> Iterator[str]:
    for name in _IDENTITY:
        before, after = getattr(base.run, name), getattr(candidate.run, name)
        if before != after:
            yield f"{name}: {_short(before)} → {_short(after)}"
    surroundings = (_surroundings(base), _surroundings(candidate))
    if not all(surroundings):
        return
    for name, before, after in _unlike(*surroundings):
        if isinstance(before, dict) and isinstance(after, dict):
            for key, old, new in _unlike(before, after):
                yield f"{name}.{key}: {_short(old)} → {_short(new)}"
        else:
            yield f"{name}: {_short(before)} → {_short(after)}"


def _surroundings(side: Side) -> dict[str, Any]:
    """Limits, variables and software of a run's first launch that told them; else nothing."""
    for launch in side.launches:
        if launch.environment is not None:
            return launch.environment | {name: getattr(launch, name) for name in _SURROUNDINGS}
    return {}


def _unlike(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _case_differences(base: "pd.DataFrame", candidate: "pd.DataFrame") -> Iterator[str]:
    before, after = base.iloc[0], candidate.iloc[0]
    if before["parameters"] != after["parameters"]:
        yield f"parameters: {before['parameters']} → {after['parameters']}"
    if set(base["hlo_sha256"]) != set(candidate["hlo_sha256"]):
        yield "other compiled code (HLO)"


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text[:19] if text.startswith("sha256:") else text
