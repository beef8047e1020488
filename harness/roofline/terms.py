"""A case's time taken apart: what each limit would take if it alone bound, and what follows.

The lower bound lets everything overlap that can, moves what the mathematics must move, and takes
each ceiling at its best. The upper bound lets nothing overlap, moves what the compiled program
moves, and takes ceilings at their worst. (Williams, Waterman and Patterson, Roofline, CACM
52(4), 2009, has the first; Ivanov et al., Data Movement Is All You Need, MLSys 2021, shows why
Transformers need the second.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from harness.roofline.ceilings import Ceilings, Dispatch, Hardware, action_of, collective_of
from workloads.catalog import Case
from workloads.catalog.operations import ADD, Operation, Variant


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a call of the compiled program does, as `workloads.kernels` counts it. `fresh_bytes`: of
    memory that it is given anew each time."""

    kernels: int
    turned_bytes: float
    streamed_bytes: float
    arguments: int
    results: int
    outer_bytes: float
    """Of the arrays that it is given and gives back: so far apart are two looks at the same one."""
    fresh_bytes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Seconds of one call. `compute_s`: what the cores do with what is in their own caches.
    `bandwidth_s`: to and from what lies beyond these."""

    compute_s: float = 0.0
    bandwidth_s: float = 0.0
    dispatch_s: float = 0.0
    link_s: float = 0.0
    storage_s: float = 0.0

    @property
    def total_s(self) -> float:
        return sum(self.by_limit().values())

    def by_limit(self) -> dict[str, float]:
        """`compute`, `bandwidth`, `dispatch`, `link`, `storage`."""
        return {each.name.removesuffix("_s"): getattr(self, each.name) for each in fields(self)}

    def __add__(self, other: "Terms") -> "Terms":
        return Terms(
            **{
                each.name: getattr(self, each.name) + getattr(other, each.name)
                for each in fields(self)
            }
        )


@dataclass(frozen=True, kw_only=True)
class Part:
    """A model's part in one stage. `kept_bytes`: what it reads and writes of what lies in memory
    from call to call: of decoding the weights, and in attention the cache. `terms`: its
    operations', each as if nothing else ran."""

    part: str
    stage: str
    flops: float
    kept_bytes: float
    terms: Terms


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """`low_s`, `high_s`: of a call. `terms`: of the upper bound, by ceilings as they usually are.
    `parts`: what its operations take, without what is moved between them. `unknown`: why a bound
    holds for a part of the case alone."""

    low_s: float
    high_s: float
    terms: Terms
    parts: tuple[Part, ...]
    unknown: tuple[str, ...] = ()


def bounds(
    case: Case, operations: Sequence[Operation], ran: Ran | None, hardware: Hardware
) -> Bounds:
    """`operations` of the case; `ran` where its compiled program is known."""
    operations = _of_a_device(case, operations, hardware)
    usual, worst = (_alone(case, operations, each) for each in (hardware.usual, hardware.worst))
    # One ceiling less another is not always best where both are.
    low_s = min(_low_s(case, operations, each) for each in (hardware.best, hardware.usual))
    terms = _all(case, usual, ran, hardware.usual)
    return Bounds(
        low_s=low_s,
        high_s=max(_all(case, worst, ran, hardware.worst).total_s, terms.total_s, low_s),
        terms=terms,
        parts=_by_part(operations, [each.terms for each in usual]),
        unknown=tuple(dict.fromkeys((*_unknown(usual), *_unknown_ways(case, hardware.usual)))),
    )


def _of_a_device(
    case: Case, operations: Sequence[Operation], hardware: Hardware
) -> Sequence[Operation]:
    """A cost is of all devices. Of accelerators each does its share at a time; those of a CPU are
    one CPU."""
    if case.devices == 1 or not hardware.usual.queued:
        return operations
    return [
        replace(each, flops=each.flops / case.devices, kept_bytes=each.kept_bytes / case.devices)
        for each in operations
    ]


@dataclass(frozen=True, kw_only=True)
class _Alone:
    """An operation as if nothing else ran, all its times. `moved_s`: of what outlives the call;
    `least_moved_s`: of that, what must be moved. Any is None where its ceiling was not measured.
    `near`: the cores' own caches hold it."""

    operation: Operation
    computed_s: float | None
    moved_s: float | None
    near: bool
    least_moved_s: float | None

    @property
    def terms(self) -> Terms:
        """Of what is known."""
        computed_s, moved_s = self.computed_s or 0.0, self.moved_s or 0.0
        if self.near:
            return Terms(compute_s=computed_s + moved_s)
        return Terms(compute_s=computed_s, bandwidth_s=moved_s)

    @property
    def least_s(self) -> float:
        """Both at a time, and nothing that a mask hides."""
        return max((self.computed_s or 0.0) / self.operation.masked, self.least_moved_s or 0.0)


def _alone(case: Case, operations: Sequence[Operation], ceilings: Ceilings) -> tuple[_Alone, ...]:
    found = []
    for operation, once_s in zip(operations, _computed(operations, ceilings), strict=True):
        size = max(_working_bytes(case), operation.table_bytes)
        near = size <= ceilings.private_bytes
        moved_s: float | None = 0.0
        least_moved_s: float | None = 0.0
        if not near or operation.kind not in _MEASURED_WITH_IT:
            moved_s = least_moved_s = _times(_kept_s(operation, size, ceilings), operation)
            if operation.beside_bytes:
                needed = replace(operation, beside_bytes=0.0)
                least_moved_s = _times(_kept_s(needed, size, ceilings), operation)
        found.append(
            _Alone(
                operation=operation,
                computed_s=_times(once_s, operation),
                moved_s=moved_s,
                near=near,
                least_moved_s=least_moved_s,
            )
        )
    return tuple(found)


def _times(once_s: float | None, operation: Operation) -> float | None:
    return None if once_s is None else once_s * operation.times


_MEASURED_WITH_IT = ("product", "convolution")
"""Operations whose rates hold what they move within the caches."""


def _working_bytes(case: Case) -> float:
    """What a call goes over, be it again and again."""
    again = "passes" in case.parameters and "weights" not in case.parameters
    return case.cost.bytes / (case.integer("passes") if again else 1)


def _unknown(alone: Sequence[_Alone]) -> Iterator[str]:
    for each in alone:
        if each.computed_s is None or each.moved_s is None:
            yield f"{each.operation.kind} in {each.operation.dtype} was not measured"


def _unknown_ways(case: Case, ceilings: Ceilings) -> Iterator[str]:
    for name, known in ((_way_of(case), ceilings.ways), (_action_of(case), ceilings.stored)):
        if name is not None and name not in known:
            yield f"{name} was not measured"


def _all(case: Case, alone: Sequence[_Alone], ran: Ran | None, ceilings: Ceilings) -> Terms:
    """One after the other."""
    operations = [each.operation for each in alone]
    beyond = Terms(link_s=_link_s(case, ceilings), storage_s=_storage_s(case, ceilings))
    between = _between(case, operations, ran, ceilings)
    calling = _calling(case, operations, ran, ceilings)
    return sum((each.terms for each in alone), beyond + between + calling)


def _low_s(case: Case, operations: Sequence[Operation], ceilings: Ceilings) -> float:
    busy_s = max(
        sum(each.least_s for each in _alone(case, operations, ceilings)),
        _needed_s(case, ceilings) if operations else 0.0,
        _link_s(case, ceilings),
        _storage_s(case, ceilings),
    )
    if not _is_called(case, operations):
        return busy_s
    if _queues(case, ceilings):
        return max(busy_s, ceilings.dispatch.queued_s)
    return busy_s + ceilings.dispatch.call_s


def _is_called(case: Case, operations: Sequence[Operation]) -> bool:
    """Whether a compiled program is: what only moves was measured with all that it takes."""
    return bool(operations) or case.workload == "dispatch"


def _needed_s(case: Case, ceilings: Ceilings) -> float:
    """Of what must come from beyond the cores' own caches."""
    size = _working_bytes(case)
    if size <= ceilings.private_bytes:
        return 0.0
    return case.cost.bytes / max(ceilings.reads(size), ceilings.updates(size))


def _by_part(operations: Sequence[Operation], each: Sequence[Terms]) -> tuple[Part, ...]:
    grouped: dict[tuple[str, str], list[int]] = {}
    for place, operation in enumerate(operations):
        grouped.setdefault((operation.part, operation.stage), []).append(place)
    return tuple(
        Part(
            part=part,
            stage=stage,
            flops=sum(operations[place].all_flops for place in places),
            kept_bytes=sum(
                operations[place].kept_bytes * operations[place].times for place in places
            ),
            terms=sum((each[place] for place in places), Terms()),
        )
        for (part, stage), places in grouped.items()
    )


def _computed(operations: Sequence[Operation], ceilings: Ceilings) -> list[float | None]:
    """Seconds of each operation, once. Products of a kind are looked up all at once."""
    found: list[float | None] = [0.0] * len(operations)
    alike: dict[tuple[str, Variant, int], list[int]] = {}
    for place, operation in enumerate(operations):
        if operation.kind == "product":
            kind = operation.dtype, operation.variant, operation.axes
            alike.setdefault(kind, []).append(place)
        elif operation.kind == "convolution":
            found[place] = ceilings.convolution_s(operation)
        elif operation.kind == "elementwise":
            function_s = ceilings.function_s(operation.function or ADD, operation.dtype)
            found[place] = None if function_s is None else function_s * operation.shape[0]
        elif operation.kind == "whole":
            found[place] = ceilings.whole_s(operation)
    for (dtype, variant, axes), places in alike.items():
        shapes = [operations[place].shape for place in places]
        seconds = ceilings.product_s(dtype, shapes, variant, axes)
        for place, once_s in zip(places, seconds, strict=True):
            found[place] = once_s
    return found


def _kept_s(operation: Operation, all_bytes: float, ceilings: Ceilings) -> float | None:
    """What lies in memory from call to call is as far away as all of it together is large."""
    if operation.kind == "chase":
        return None if ceilings.chase_s is None else operation.shape[0] * ceilings.chase_s
    if operation.kind == "product":
        read_s = operation.kept_bytes / ceilings.reads(all_bytes)
        batch, rows, *_ = operation.shape
        return read_s * (ceilings.slowed_by(operation.dtype, rows) if batch == 1 else 1.0)
    if operation.beside_bytes and ceilings.writes is not None:
        read_s = (operation.kept_bytes - operation.beside_bytes) / ceilings.reads(all_bytes)
        return read_s + operation.beside_bytes / ceilings.writes(all_bytes)
    if operation.kind != "gather":
        return operation.kept_bytes / ceilings.access(operation.access)(all_bytes)
    if ceilings.picked is None:
        return None
    size, (rows, width) = operation.table_bytes, operation.shape
    # Gathers were measured with the first of a row's values.
    beyond = operation.kept_bytes * (1 - 1 / width)
    return rows / ceilings.picked(size) + beyond / ceilings.reads(size)


def _between(
    case: Case, operations: Sequence[Operation], ran: Ran | None, ceilings: Ceilings
) -> Terms:
    """What goes from one operation to the next: as the compiled program has it, less what the
    operations are told to take from memory, else as each of them would read and write alone."""
    if not operations:
        return Terms()
    if ran is None:
        return sum((_passed(operation, ceilings) for operation in operations), Terms())
    kept = sum(each.kept_bytes * each.times for each in operations)
    told = sum(
        each.kept_bytes * each.times for each in operations if each.kind not in _MEASURED_WITH_IT
    )
    streamed_bytes = max(ran.streamed_bytes - told, 0.0)
    far_bytes = min(streamed_bytes, max(ran.outer_bytes - kept, 0.0))
    streamed = _streamed(streamed_bytes - far_bytes, max(ran.kernels, 1), ceilings)
    streamed += _streamed(far_bytes, 1, ceilings)
    fresh = Terms(compute_s=ran.fresh_bytes * ceilings.fresh_s)  # a core clears its pages
    return streamed + fresh + _turned(ran.turned_bytes, case.dtype, ceilings)


def _passed(operation: Operation, ceilings: Ceilings) -> Terms:
    if operation.kind in _MEASURED_WITH_IT:
        return Terms()  # its rate was measured with it
    if operation.kind == "transpose":
        return _turned(operation.passed_bytes * operation.times, operation.dtype, ceilings)
    return _streamed(operation.passed_bytes * operation.times, operation.times, ceilings)


def _turned(bytes_: float, dtype: str, ceilings: Ceilings) -> Terms:
    """Another order costs a core its time, but a device whose memory is what all share."""
    seconds = ceilings.transposed_s(bytes_, dtype)
    near = ceilings.private_bytes > 0
    return Terms(compute_s=seconds) if near else Terms(bandwidth_s=seconds)


def _streamed(bytes_: float, kernels: int, ceilings: Ceilings) -> Terms:
    """So many bytes by so many kernels, each of which finds what the one before it left."""
    size = bytes_ / kernels
    seconds = bytes_ / ceilings.updates(size) if bytes_ else 0.0
    near = size <= ceilings.private_bytes
    return Terms(compute_s=seconds) if near else Terms(bandwidth_s=seconds)


def _calling(
    case: Case, operations: Sequence[Operation], ran: Ran | None, ceilings: Ceilings
) -> Terms:
    """A program that works is handed to another thread; where calls queue, that of the next one is
    done meanwhile. Calls were measured with a kernel, two arrays and a result."""
    dispatch = ceilings.dispatch
    if not _is_called(case, operations):
        return Terms()
    call_s = dispatch.call_s
    if operations:
        call_s = dispatch.queued_s if _queues(case, ceilings) else _handed_s(case, dispatch)
    kernels = sum(operation.times for operation in operations) if ran is None else ran.kernels
    call_s += dispatch.kernel_s * max(kernels - 1, 0)
    if ran is not None:
        call_s += dispatch.argument_s * max(ran.arguments - 2, 0)
        call_s += dispatch.result_s * max(ran.results - 1, 0)
    return Terms(dispatch_s=call_s)


def _handed_s(case: Case, dispatch: Dispatch) -> float:
    """What does nothing else is handed over before the other thread has fallen asleep."""
    return dispatch.handed_s if case.parameters.get("kind") == "handed" else dispatch.woken_s


def _queues(case: Case, ceilings: Ceilings) -> bool:
    """Whether only the last of many calls is waited for; of those that tell of calls each is."""
    return ceilings.queued and case.workload != "dispatch"


def _link_s(case: Case, ceilings: Ceilings) -> float:
    way = ceilings.ways.get(_way_of(case) or "")
    return 0.0 if way is None else way.seconds(case.cost.link_bytes)


def _way_of(case: Case) -> str | None:
    """A direction, or a collective."""
    if not case.cost.link_bytes:
        return None
    return collective_of(case) if case.workload == "collective" else case.phase


def _storage_s(case: Case, ceilings: Ceilings) -> float:
    way = ceilings.stored.get(_action_of(case) or "")
    return 0.0 if way is None else way.seconds(case.cost.storage_bytes)


def _action_of(case: Case) -> str | None:
    return action_of(case) if case.workload == "storage" else None
