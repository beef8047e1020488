"""What follows from it: labels of known answers, coverage of held-out cases, causes, a control."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import TYPE_CHECKING

import pandas as pd

from harness.bottleneck import hardware, known_cases, label_run, timed, widened
from harness.roofline.ceilings import Hardware
from harness.roofline.label import Labelled
from harness.roofline.predict import Shape, predict
from harness.store.reader import Reader
from tests.benchmarks.bottleneck.measured import HELD_OUT, KNOWN, runs
from workloads.catalog import Case, find
from workloads.catalog.transformer_sizes import TransformerSize

if TYPE_CHECKING:
    from harness.store.reader import Run

WIDENED = 1.2
"""Bounds of held-out cases, to either side."""

PROBES = {
    "bandwidth": "memory/triad/128MiB/f32",
    "storage": "storage/records-64MiB/sequential-direct/f32",
}
"""What tells how much of a resource an antagonist takes; they are left out themselves."""

RESOURCES = ("compute", "bandwidth", "storage")


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """A case that no ceiling was made of."""

    case: str
    label: str
    measured_s: float
    usual_s: float
    low_s: float
    high_s: float

    @property
    def inside(self) -> bool:
        return self.low_s / WIDENED <= self.measured_s <= self.high_s * WIDENED


@dataclass(frozen=True, kw_only=True)
class Caused:
    """Elasticity of a case's time by resource: 1 where it takes twice as long with half of it; None
    where nothing of it could be taken."""

    case: str
    label: str
    elasticity: dict[str, float | None]

    @property
    def right(self) -> bool | None:
        """None where its own resource could not be taken."""
        known = {name: value for name, value in self.elasticity.items() if value is not None}
        if self.label not in known:
            return None
        return max(known, key=known.__getitem__) == self.label


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Of a shape that was measured only to check it."""

    case: str
    measured_s: float
    usual_s: float
    low_s: float
    high_s: float

    @property
    def error(self) -> float:
        return self.usual_s / self.measured_s - 1

    @property
    def inside(self) -> bool:
        """As it is printed, not widened."""
        return self.low_s <= self.measured_s <= self.high_s


class Evidence:
    """All that was measured, read once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._facts = reader.machines()[0].facts
        self.two_cores = self._hardware("ceilings", "cases", cpus=None)
        self.one_core = self._hardware("one-core-ceilings", "one-core", cpus=1)

    def _hardware(self, kind: str, labelled: str, cpus: int | None) -> Hardware:
        """As the command makes them, with what the labelled runs themselves measured of them."""
        ceilings, own = (
            timed(self.frame(runs(self._reader, each), samples=True)) for each in (kind, labelled)
        )
        return hardware(widened(ceilings, own)[0], self._facts, "cpu", cpus)

    def frame(self, some: "Sequence[Run]", *, samples: bool = False) -> pd.DataFrame:
        frames = [self._reader.measurements(run.run, samples=samples) for run in some]
        return pd.concat(frames, ignore_index=True)

    def of(self, kind: str) -> pd.DataFrame:
        return self.frame(runs(self._reader, kind))

    def each(self, kind: str) -> Iterator[pd.DataFrame]:
        return (self.frame([run]) for run in runs(self._reader, kind))

    def labels(self, frame: pd.DataFrame, machine: Hardware) -> list[Labelled]:
        return list(label_run("", "", frame, machine).labelled)


def known_answers(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Case, what everybody knows, and the label, of each turn alone."""
    return [
        (each.case, KNOWN[each.case], each.label)
        for frame in evidence.each("cases")
        for each in evidence.labels(frame, evidence.two_cores)
        if each.case in KNOWN
    ]


def held_out(evidence: Evidence, machine: Hardware) -> list[HeldOut]:
    workloads = {glob.partition("/")[0] for glob in HELD_OUT}
    return [
        HeldOut(
            case=each.case,
            label=each.label,
            measured_s=each.measured_s,
            usual_s=each.bounds.terms.total_s,
            low_s=each.bounds.low_s,
            high_s=each.bounds.high_s,
        )
        for each in evidence.labels(evidence.of("cases"), machine)
        if each.case.partition("/")[0] in workloads
    ]


def median_error(cases: Sequence[HeldOut]) -> float:
    """Of the usual sum, to either side: 0.2 where half of them are off by a fifth at most."""
    return exp(median(abs(log(each.measured_s / each.usual_s)) for each in cases)) - 1


def coverage(cases: "Sequence[HeldOut] | Sequence[Predicted]") -> float:
    return sum(each.inside for each in cases) / len(cases)


def caused(evidence: Evidence) -> list[Caused]:
    """Cases labelled with a resource that can be taken away. Antagonists run on the other core, so
    that what they take is seen against one core alone. Ratios are of one turn each: the machine
    drifts from turn to turn."""
    turns = [
        _Turn(**dict(zip(_Turn.__dataclass_fields__, frames, strict=True)))
        for frames in zip(*(_times_s(evidence, kind) for kind in _KINDS), strict=True)
    ]
    found = []
    for each in evidence.labels(evidence.of("cases"), evidence.two_cores):
        if each.label not in RESOURCES or each.case in PROBES.values():
            continue
        told = [turn.elasticity(each.case) for turn in turns if turn.has(each.case)]
        if told:
            elasticity = {name: _median(one[name] for one in told) for name in RESOURCES}
            found.append(Caused(case=each.case, label=each.label, elasticity=elasticity))
    return found


_KINDS = ("cases", "one-core", "memory", "storage")

LEAST_TAKEN = 1.15
"""Times longer that a probe takes beside its antagonist: less is taken by the machine's moods."""


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """Seconds by case: on two cores, on one, and beside either antagonist."""

    two: Mapping[str, float]
    one: Mapping[str, float]
    memory: Mapping[str, float]
    storage: Mapping[str, float]

    def has(self, case: str) -> bool:
        return all(case in each for each in (self.two, self.one, self.memory, self.storage))

    def elasticity(self, case: str) -> dict[str, float | None]:
        one_s = self.one[case]
        return {
            "compute": log(one_s / self.two[case]) / log(2),
            "bandwidth": self._beside(self.memory, case, PROBES["bandwidth"]),
            "storage": self._beside(self.storage, case, PROBES["storage"]),
        }

    def _beside(self, antagonist: Mapping[str, float], case: str, probe: str) -> float | None:
        if probe not in antagonist or probe not in self.one:
            return None
        taken = antagonist[probe] / self.one[probe]
        if taken < LEAST_TAKEN:
            return None
        return log(antagonist[case] / self.one[case]) / log(taken)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _times_s(evidence: Evidence, kind: str) -> list[dict[str, float]]:
    return [
        {each.case.id: each.measured_s for each in known_cases(frame)}
        for frame in evidence.each(kind)
    ]


def predicted(evidence: Evidence, kind: str) -> list[Predicted]:
    """Every Transformer that runs of that kind measured, by the ceilings alone."""
    return [
        _predicted(case, each.measured_s, evidence.two_cores)
        for each in known_cases(evidence.of(kind))
        for case in [find(each.case.id)]
        if case.workload == "transformer"
    ]


def _predicted(case: Case, measured_s: float, machine: Hardware) -> Predicted:
    shape = Shape(
        size=TransformerSize.of(case),
        batch=case.integer("batch"),
        context=case.integer("context"),
        dtype=case.dtype,
    )
    (phase,) = (each for each in predict(shape, machine, None) if each.phase == case.phase)
    return Predicted(
        case=case.id,
        measured_s=measured_s,
        usual_s=phase.usual_s,
        low_s=phase.low_s,
        high_s=phase.high_s,
    )
