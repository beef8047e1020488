"""What follows from it: labels of known answers, coverage of held-out cases, causes, a control."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, log, nan
from statistics import median, mode
from typing import Any

from harness.bottleneck import (
    Bottlenecks,
    Known,
    hardware,
    known_cases,
    label_run,
    timed,
    widened,
)
from harness.roofline.ceilings import Hardware
from harness.roofline.predict import Shape, predict
from harness.store.reader import Reader, Run
from tests.benchmarks.bottleneck.causes import Seconds
from tests.benchmarks.bottleneck.measured import HELD_OUT, KNOWN, turns
from workloads.catalog import Case, find
from workloads.catalog.transformer_sizes import TransformerSize

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
    """A case that no ceiling was made of, in one turn; without a label nothing is known of it but
    why (`label`: None)."""

    case: str
    label: str | None
    measured_s: float
    usual_s: float
    low_s: float
    high_s: float

    @property
    def inside(self) -> bool:
        """Not where it has no label: NaN is within nothing."""
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
        """None where its own resource could not be taken, or no other to hold it against."""
        known = {name: value for name, value in self.elasticity.items() if value is not None}
        if self.label not in known or len(known) == 1:
            return None
        return max(known, key=known.__getitem__) == self.label and known[self.label] > LEAST_FELT


LEAST_FELT = 0.2
"""Elasticity of a resource that binds: what is less is felt by hardly any case."""


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


class Turn:
    """The runs of one turn by kind, read once."""

    def __init__(self, reader: Reader, runs: Mapping[str, Run], facts: Mapping[str, Any]) -> None:
        self._facts = facts
        self._frames = {kind: reader.measurements(run.run) for kind, run in runs.items()}

    @cached_property
    def two_cores(self) -> Hardware:
        """As `jaxrig bottleneck` makes them, with what the labelled run measured of them itself,
        and with those of one core."""
        points, _ = widened(timed(self._frames["ceilings"]), timed(self._frames["cases"]))
        alone = hardware(timed(self._frames["one-core-ceilings"]), self._facts, "cpu", None)
        return replace(hardware(points, self._facts, "cpu", None), one_core=alone.usual)

    @cached_property
    def ceilings_alone(self) -> Hardware:
        """As `jaxrig predict` makes them."""
        return hardware(timed(self._frames["ceilings"]), self._facts, "cpu", None)

    @cached_property
    def one_core_alone(self) -> Hardware:
        """The same of one core."""
        return hardware(timed(self._frames["one-core-ceilings"]), self._facts, "cpu", 1)

    def labels(self, machine: Hardware) -> Bottlenecks:
        """Of the cases as two cores took them."""
        return label_run("", "", self._frames["cases"], machine)

    def known(self, kind: str) -> list[Known]:
        return list(known_cases(self._frames[kind]))


def turns_of(reader: Reader) -> list[Turn]:
    facts = reader.machines()[0].facts
    return [Turn(reader, runs, facts) for runs in turns(reader)]


def known_answers(turns: Sequence[Turn]) -> list[tuple[str, str, str]]:
    """Case, what everybody knows, and the label, of each turn alone; or why there is none."""
    found = []
    for turn in turns:
        told = turn.labels(turn.two_cores)
        labels = {each.case: str(each.label) for each in told.labelled}
        for case, answer in KNOWN.items():
            why = told.untold.get(case, "was not measured")
            found.append((case, answer, labels.get(case, f"none: {why}")))
    return found


def held_out(turns: Sequence[Turn], machines: Sequence[Hardware]) -> list[HeldOut]:
    """Of each turn by the ceilings of its machine. A case that no label is known of is none that is
    within its bounds."""
    workloads = {glob.partition("/")[0] for glob in HELD_OUT}
    found: list[HeldOut] = []
    for turn, machine in zip(turns, machines, strict=True):
        told = turn.labels(machine)
        found += [
            HeldOut(
                case=each.case,
                label=each.label,
                measured_s=each.measured_s,
                usual_s=each.bounds.terms.total_s,
                low_s=each.bounds.low_s,
                high_s=each.bounds.high_s,
            )
            for each in told.labelled
        ]
        nothing = dict.fromkeys(("measured_s", "usual_s", "low_s", "high_s"), nan)
        found += [HeldOut(case=case, label=None, **nothing) for case in told.untold]
    return [each for each in found if each.case.partition("/")[0] in workloads]


def median_error(cases: Sequence[HeldOut]) -> float:
    """Of the usual sum, to either side: 0.2 where half of them are off by a fifth at most."""
    known = [each for each in cases if each.label is not None]
    return exp(median(abs(log(each.measured_s / each.usual_s)) for each in known)) - 1


def coverage(cases: "Sequence[HeldOut] | Sequence[Predicted]") -> float:
    return sum(each.inside for each in cases) / len(cases)


def caused(turns: Sequence[Turn], taken: Mapping[str, Seconds]) -> list[Caused]:
    """Cases labelled with a resource that can be taken away, by the label that most turns gave.
    `taken`: what each lost with it."""
    labels: dict[str, list[str]] = {}
    for turn in turns:
        for each in turn.labels(turn.two_cores).labelled:
            labels.setdefault(each.case, []).append(str(each.label))
    found = []
    for case, given in labels.items():
        label, seconds = mode(given), taken.get(case)
        if label in RESOURCES and case not in PROBES.values() and seconds:
            found.append(Caused(case=case, label=label, elasticity=elasticity(seconds, taken)))
    return found


LEAST_TAKEN = 1.15
"""Times longer that a probe takes beside its antagonist: less is taken by the machine's moods."""

_BESIDE = {"bandwidth": "memory", "storage": "storage"}


def elasticity(seconds: Seconds, taken: Mapping[str, Seconds]) -> dict[str, float | None]:
    """How much longer a case takes over how much less there is of a resource, both as logarithms.
    Antagonists run on the other core, so that what they take is seen against one core alone."""
    found: dict[str, float | None] = {"compute": log(_times(seconds, "two", "one")) / log(2)}
    for resource, condition in _BESIDE.items():
        probe = taken.get(PROBES[resource])
        less = _times(probe, "one", condition) if probe else 1.0
        longer = log(_times(seconds, "one", condition))
        found[resource] = None if less < LEAST_TAKEN else longer / log(less)
    return found


def _times(seconds: Seconds, base: str, other: str) -> float:
    """Of the rounds' ratios the median: the machine drifts from round to round."""
    rounds = zip(seconds[base], seconds[other], strict=True)
    return median(more / less for less, more in rounds)


def predicted(turns: Sequence[Turn], kind: str) -> list[Predicted]:
    """Every Transformer that runs of that kind measured, by the ceilings of its turn alone."""
    return [
        _predicted(case, each.measured_s, turn.ceilings_alone)
        for turn in turns
        for each in turn.known(kind)
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
