"""From stored measurements to labels: a run joined to the ceilings of its machine and image.

Only what today's catalogue defines as it was defined when it was measured is taken apart into
operations; of anything else its cost on paper is all that is known.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import UsageError
from harness.roofline.calibration import hardware_of
from harness.roofline.capacity import is_full
from harness.roofline.ceilings import Hardware, Timed
from harness.roofline.cores import shared_bounds
from harness.roofline.label import BEATEN, Labelled, label
from harness.roofline.terms import Ran
from harness.told import told
from workloads.catalog import CEILINGS, Case, Cost, UnknownCase, Work, find
from workloads.catalog.decomposed import decomposed, whole
from workloads.catalog.operations import Operation

if TYPE_CHECKING:
    import pandas as pd

    from harness.store.reader import Run

DRIFTS = 2.0
"""As far as a shared machine's speed drifts. What a run measured of a ceiling beyond that is
another thing: it raises nothing, and is doubted instead."""

BEST, WORST = 0.1, 0.9
"""Quantiles of all samples: what a ceiling is at its best, and what it seldom falls below."""


@dataclass(frozen=True, kw_only=True)
class Beaten:
    """A case that was faster than its ceilings allow: `factor` times. `ceiling`: that of its
    largest term."""

    case: str
    ceiling: str
    factor: float


@dataclass(frozen=True, kw_only=True)
class Raised:
    """A case of the ceilings that the run itself measured `factor` times as fast: that is the
    ceiling at its best now."""

    case: str
    factor: float


@dataclass(frozen=True, kw_only=True)
class Bottlenecks:
    """Labels of a run's cases, by the ceilings of another (`ceilings`: its name). `one_core`: the
    run whose ceilings tell what cores wait for each other. `beaten`: ceilings that are doubted;
    `raised`: those that the run raised. `untold`: of which cases nothing can be said, and why."""

    run: str
    ceilings: str
    labelled: tuple[Labelled, ...]
    beaten: tuple[Beaten, ...]
    raised: tuple[Raised, ...]
    untold: Mapping[str, str]
    one_core: str | None = None


def nearest(run: "Run", runs: Iterable["Run"]) -> "list[Run]":
    """Runs of the ceilings' suite on the same machine, target, image and platform: whole ones
    first, and of these that which began nearest to it. Raises `UsageError` where there is none."""
    alike = [each for each in runs if place(each) == place(run)]
    found = measured_ceilings(sorted(alike, key=lambda each: abs(each.started_at - run.started_at)))
    if not found:
        raise UsageError(
            f"no ceilings of {run.machine} with what {run.run} ran on are stored; there, "
            f"`{refresh(run)}` measures them, while the target's image is still the same; "
            "--ceilings takes others"
        )
    return found


def measured_ceilings(runs: Iterable["Run"]) -> "list[Run]":
    """Those that measured any, in their order, but for what came to its end before all others: a
    run that was interrupted, or measured some of the cases, knows less."""
    found = [each for each in runs if each.suite == CEILINGS and each.measurements]
    cases = {each.run: each.measurements / max(each.launches_planned, 1) for each in found}
    most = max(cases.values(), default=0.0)

    def is_less(run: "Run") -> bool:
        return run.status not in ENDED or cases[run.run] < NEARLY_ALL * most

    return sorted(found, key=is_less)


ENDED = ("done", "failed")
"""Of what failed in a case all others hold."""

NEARLY_ALL = 0.8
"""Of the cases that the most complete run of the ceilings measured."""


def place(run: "Run") -> tuple[Any, ...]:
    """What has to be the same for ceilings to be those of a run. A plain process has no image."""
    return run.machine, run.target, run.image, run.platform, run.isolation


def refresh(run: "Run") -> str:
    """The command that measures its ceilings again."""
    process = " --isolation process" if run.isolation == "process" else ""
    return f"jaxrig ceilings --refresh --target {run.target}{process}"


def hardware(
    measured: Sequence[Timed], facts: Mapping[str, Any], platform: str, cpus: int | None = None
) -> Hardware:
    """`measured`: by a run of the suite; `facts`: of its machine; `cpus`: that it could use, all
    where None.

    Raises `Incomplete` where too little of it was measured.
    """
    try:
        return hardware_of(
            measured,
            private_bytes=private_bytes(facts, cpus) if platform == "cpu" else 0.0,
            queued=platform != "cpu",
        )
    except LookupError as error:
        raise Incomplete(f"the ceilings are incomplete: {error.args[0]}") from error


class Incomplete(UsageError):
    """Of ceilings too few were measured to tell anything."""


def timed(measurements: "pd.DataFrame") -> list[Timed]:
    """A case each, over all launches. Of what the catalogue no longer has there is none."""
    found: list[Timed] = []
    for _, rows in _by_case(measurements):
        case = _as_defined(rows[0])
        if case is None:
            continue
        best_s, worst_s = _ends(rows)
        found.append(
            Timed(
                case=case,
                best_s=best_s,
                median_s=float(np.median([row["median_s"] for row in rows])),
                worst_s=worst_s,
                kernels=told(rows[0]["kernels"]),
                observations=_observations(rows),
            )
        )
    return found


def _ends(rows: Sequence[Mapping[Any, Any]]) -> tuple[float, float]:
    """Quantiles of all samples; of pruned ones the quartiles are what is left."""
    samples = [row["samples_s"] for row in rows if told(row["samples_s"]) is not None]
    if samples:
        best_s, worst_s = np.quantile(np.concatenate(samples), [BEST, WORST])
        return float(best_s), float(worst_s)
    kept = [told(row["summary"]) or {} for row in rows]
    medians = [row["median_s"] for row in rows]
    ends = (
        float(np.median([one.get(name, median) for one, median in zip(kept, medians, strict=True)]))
        for name in ("q1_s", "q3_s")
    )
    return next(ends), next(ends)


def widened(ceilings: Iterable[Timed], run: Iterable[Timed]) -> tuple[list[Timed], list[Raised]]:
    """The ceilings' cases with what the run measured of them: at their best as fast as in either,
    at worst as slow. A machine drifts between the two, further than within a minute."""
    others = {each.case.id: each for each in run}
    found: list[Timed] = []
    raised: list[Raised] = []
    for each in ceilings:
        other = others.get(each.case.id, each)
        if "longest" in each.case.parameters:
            found.append(each)  # made of many calls: its slopes are what it tells
            continue
        best_s, worst_s = each.best_s, each.worst_s
        if best_s / DRIFTS <= other.best_s < best_s:
            best_s = other.best_s
        if worst_s < other.worst_s <= worst_s * DRIFTS:
            worst_s = other.worst_s
        found.append(replace(each, best_s=best_s, worst_s=worst_s))
        if each.best_s > BEATEN * best_s:
            raised.append(Raised(case=each.case.id, factor=each.best_s / best_s))
    return found, raised


def private_bytes(facts: Mapping[str, Any], cpus: int | None = None) -> float:
    """Of the caches that no two cores share: the second level of all cores that may be used, or the
    first one."""
    sizes = dict[str, float]()
    for cache in facts.get("caches", ()):
        level, kind, size = str(cache).split()
        if kind != "Instruction":
            sizes[level] = _cache_bytes(size)
    cores = facts["cores"] if cpus is None else min(facts["cores"], cpus)
    return float(cores) * sizes.get("L2", sizes.get("L1", 0.0))


def _cache_bytes(text: str) -> float:
    """48K → 49152."""
    scale = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return float(text.rstrip("KMG")) * scale.get(text[-1], 1)


@dataclass(frozen=True, kw_only=True)
class Known:
    """A measured case, over all launches of a run: what it is made of, and its compiled program."""

    case: Case
    operations: Sequence[Operation]
    ran: Ran | None
    measured_s: float
    hlo_sha256: str | None
    observations: Mapping[str, int | float | str]


def known_cases(measurements: "pd.DataFrame") -> Iterator[Known]:
    """All but those of a suite of one's own, whose cost nobody counts. They need no samples."""
    for _, rows in _by_case(measurements):
        row = rows[0]
        if told(row["flops"]) is None:
            continue
        defined = _as_defined(row)
        case = defined or _as_stored(row)
        yield Known(
            case=case,
            operations=decomposed(defined) if defined else (_whole(case),),
            ran=ran(row),
            measured_s=float(np.median([row["median_s"] for row in rows])),
            hlo_sha256=told(row["hlo_sha256"]),
            observations=_observations(rows),
        )


def label_run(
    run: str,
    ceilings: str,
    measurements: "pd.DataFrame",
    machine: Hardware,
    raised: Iterable[Raised] = (),
) -> Bottlenecks:
    """Labels every case of a run. `raised`: for the reader to know."""
    known = list(known_cases(measurements))
    labelled = [_labelled(each, machine) for each in known if not _is_made_of_calls(each.case)]
    untold = dict.fromkeys(measurements["case"], "nobody told its FLOP and bytes")
    for each in known:
        untold[each.case.id] = "it is made of many calls, which tell a ceiling and have none"
    for one in labelled:
        untold[one.case] = "; ".join(one.bounds.unknown)
    complete = tuple(each for each in labelled if not each.bounds.unknown)
    for one in complete:
        del untold[one.case]
    return Bottlenecks(
        run=run,
        ceilings=ceilings,
        labelled=complete,
        beaten=tuple(_beaten(complete)),
        raised=tuple(raised),
        untold=untold,
    )


def _is_made_of_calls(case: Case) -> bool:
    ladder = case.workload == "dispatch" and "longest" in case.parameters
    return ladder or case.parameters.get("kernel") == "allocate"


def _labelled(known: Known, machine: Hardware) -> Labelled:
    case = known.case
    rates = machine.best.products.get(case.dtype)
    devices = case.devices if machine.best.queued else 1  # those of a CPU are one CPU
    return label(
        case,
        known.measured_s,
        shared_bounds(case, known.operations, known.ran, machine),
        peak_flops_per_s=None if rates is None else devices * rates.peak_flops_per_s,
        full=case.phase == "capacity" and is_full(known.observations),
    )


def _whole(case: Case) -> Operation:
    return whole(flops=case.cost.flops, bytes_=case.cost.bytes, dtype=case.dtype)


def ran(row: Mapping[Any, Any]) -> Ran | None:
    """None where the compiled program was not looked into."""
    counts = ("kernels", "arguments", "results")
    sizes = ("turned_bytes", "streamed_bytes", "argument_bytes", "output_bytes")
    if any(told(row[name]) is None for name in (*counts, *sizes)):
        return None
    turned_bytes, streamed_bytes, *outer_bytes = (float(row[name]) for name in sizes)
    return Ran(
        **{name: int(row[name]) for name in counts},
        turned_bytes=turned_bytes,
        streamed_bytes=streamed_bytes,
        outer_bytes=sum(outer_bytes),
        fresh_bytes=_fresh_bytes(row),
    )


FRESH_BYTES = 32 << 20
"""What is larger an allocator gives back to the system each time, and is given page by page anew:
glibc's threshold rises to that and no further (mallopt(3), M_MMAP_THRESHOLD)."""


def _fresh_bytes(row: Mapping[Any, Any]) -> float:
    """Of what a CPU's program works in, and of what it gives back elsewhere than in what it was
    given; where the backend does not tell, none is known of."""
    working, kept = told(row["temp_bytes"]), told(row["alias_bytes"])
    sizes = [] if working is None else [float(working)]
    sizes += [] if kept is None else [float(row["output_bytes"]) - float(kept)]
    return sum(size for size in sizes if size > FRESH_BYTES)


def _by_case(measurements: "pd.DataFrame") -> list[tuple[str, list[Mapping[Any, Any]]]]:
    found: dict[str, list[Mapping[Any, Any]]] = {}
    for row in measurements.to_dict("records"):
        found.setdefault(str(row["case"]), []).append(row)
    return list(found.items())


def _as_defined(row: Mapping[Any, Any]) -> Case | None:
    """The catalogue's case, where it is still what was measured."""
    try:
        case = find(str(row["case"]))
    except UnknownCase:
        return None
    same = (
        case.parameters == told(row["parameters"])
        and case.cost.flops == told(row["flops"])
        and case.cost.bytes == told(row["bytes"])
    )
    return case if same else None


def _as_stored(row: Mapping[Any, Any]) -> Case:
    work = told(row["work_unit"])
    return Case(
        id=str(row["case"]),
        workload=str(row["workload"]),
        phase=str(row["phase"]),
        dtype=str(row["dtype"]),
        cost=Cost(
            flops=float(row["flops"]),
            bytes=float(row["bytes"]),
            storage_bytes=float(row["storage_bytes"]),
            link_bytes=float(row["link_bytes"]),
        ),
        tolerance=float(row["numerics_tolerance"]),
        suites=(),
        memory_bytes=0,
        work=None if work is None else Work(unit=work, count=float(row["work_count"])),
        parameters=told(row["parameters"]) or {},
    )


def _observations(rows: Sequence[Mapping[Any, Any]]) -> dict[str, int | float | str]:
    """Numbers' medians over the launches; of anything else the last."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in (told(row["observations"]) or {}).items():
            found.setdefault(name, []).append(value)
    return {
        name: float(np.median(values))
        if all(isinstance(value, int | float) for value in values)
        else values[-1]
        for name, values in found.items()
    }


def _beaten(labelled: Iterable[Labelled]) -> list[Beaten]:
    found = [
        Beaten(case=each.case, ceiling="compute", factor=each.mfu)
        for each in labelled
        if each.mfu is not None and each.mfu > BEATEN
    ]
    found += [
        Beaten(case=each.case, ceiling=each.binding, factor=each.bounds.low_s / each.measured_s)
        for each in labelled
        if each.label == "invalid" and (each.mfu is None or each.mfu <= BEATEN)
    ]
    return found
