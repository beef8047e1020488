"""What a compiled program does once it runs: how many kernels, and what each of them moves.

Read from the text of optimised HLO, in which every instruction of the entry computation, and of
the loops it runs, is a kernel or a call of a library, but for those that only name things. XLA's
own count of bytes is of the same kind, but takes a loop's body once.

https://openxla.org/xla/operation_semantics has the instructions.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

_COMPUTATION = re.compile(r"^(ENTRY )?%([\w.\-]+) .*\{$")
_INSTRUCTION = re.compile(r"^\s+(ROOT )?%([\w.\-]+) = (.+?) ([a-z][\w\-]*)\((.*)$")
_OPERAND = re.compile(r"%([\w.\-]+)")
_CALLED = re.compile(r"(?:calls|to_apply|body)=%([\w.\-]+)")
_SHAPE = re.compile(r"\b(pred|[a-z]+\d+\w*)\[([\d,]*)\]")
_LAYOUT = re.compile(r"\{([\d,]*)")
_BITS = re.compile(r"\d+")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_LIBRARY = re.compile(
    r'custom_call_target="[^"]*(?:gemm|matmul|conv|dot|fmha)[^"]*"', re.IGNORECASE
)

_NAMES = {"parameter", "constant", "get-tuple-element", "tuple", "bitcast", "after-all", "iota"}
"""Instructions that run nothing, or next to nothing."""

_SLICES = {"gather", "dynamic-slice", "slice"}
"""Of their first operand they read what they give, and no more."""

_WRITES = {"dynamic-update-slice": 1, "scatter": 2}
"""Instructions that write a part of their first operand, in place, and which operand that is."""

_PRODUCTS = {"dot", "convolution"}

_SCALARS_BYTES = 32
"""A loop's counter and the like, which takes no time beside what the loop does."""

_Kind = Literal["product", "turned", "streamed"]
_KINDS: tuple[_Kind, ...] = ("product", "turned", "streamed")


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """Of a call. `count`: kernels that run, loops' bodies as often as they do. Bytes that they read
    and write: `product_bytes` of those that hold a product of matrices or a convolution,
    `turned_bytes` of others that write in another order than they read, `streamed_bytes` of the
    rest."""

    count: int
    product_bytes: float
    turned_bytes: float
    streamed_bytes: float


def kernels(hlo: str) -> Kernels | None:
    """None where a loop does not tell how often it runs, or a branch which way it goes."""
    computations = _read(hlo)
    entry = next((each for each in computations.values() if each.is_entry), None)
    if entry is None:
        return None
    try:
        ran = [each for each in _ran(entry, computations, 1) if each[2] > _SCALARS_BYTES]
    except _Unknown:
        return None
    moved = {
        kind: float(sum(times * size for times, of, size in ran if of == kind)) for kind in _KINDS
    }
    return Kernels(
        count=sum(times for times, _, _ in ran),
        product_bytes=moved["product"],
        turned_bytes=moved["turned"],
        streamed_bytes=moved["streamed"],
    )


class _Unknown(Exception):
    """How often something runs."""


@dataclass(frozen=True, kw_only=True)
class _Instruction:
    name: str
    opcode: str
    size: int
    first_size: int
    layout: str
    operands: tuple[str, ...]
    called: str | None
    is_root: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class _Computation:
    is_entry: bool
    instructions: Sequence[_Instruction]

    @cached_property
    def by_name(self) -> Mapping[str, _Instruction]:
        return {each.name: each for each in self.instructions}

    @cached_property
    def root(self) -> _Instruction:
        return next(each for each in self.instructions if each.is_root)

    def results(self) -> list[_Instruction]:
        """What the root gives, or each part of it where it is a tuple."""
        root = self.behind(self.root.name)
        return [self.behind(name) for name in root.operands] if root.opcode == "tuple" else [root]

    def behind(self, name: str) -> _Instruction:
        """What is called so, past what only names it anew."""
        found = self.by_name[name]
        while found.opcode in ("bitcast", "copy") and found.operands[0] in self.by_name:
            found = self.by_name[found.operands[0]]
        return found


def _read(hlo: str) -> dict[str, _Computation]:
    found: dict[str, _Computation] = {}
    some: list[_Instruction] = []
    for line in hlo.splitlines():
        if head := _COMPUTATION.match(line):
            some = []
            found[head[2]] = _Computation(is_entry=bool(head[1]), instructions=some)
        elif told := _INSTRUCTION.match(line):
            root, name, shape, opcode, rest = told.groups()
            called = _CALLED.search(rest)
            some.append(
                _Instruction(
                    name=name,
                    opcode=opcode,
                    size=_size(shape),
                    first_size=_size(shape, 1),
                    layout="".join(_LAYOUT.findall(shape)),
                    operands=tuple(_OPERAND.findall(_within_parentheses(rest))),
                    called=called[1] if called else None,
                    is_root=bool(root),
                    text=rest,
                )
            )
    return found


def _within_parentheses(rest: str) -> str:
    """Up to the one that closes what is open already; layouts of tiles have some of their own."""
    depth = 1
    for place, character in enumerate(rest):
        depth += (character == "(") - (character == ")")
        if not depth:
            return rest[:place]
    return rest


def _size(shape: str, parts: int | None = None) -> int:
    """Bytes; of a tuple, of the first so many parts, or of all."""
    return sum(
        math.prod(map(int, filter(None, sides.split(",")))) * _bits(kind) // 8
        for kind, sides in _SHAPE.findall(shape)[:parts]
    )


def _bits(kind: str) -> int:
    told = _BITS.search(kind)
    return int(told[0]) if told else 8  # a truth value


def _ran(
    computation: _Computation, known: Mapping[str, _Computation], times: int
) -> Iterator[tuple[int, _Kind, int]]:
    """Of each kernel: how often it runs, its kind, and its bytes."""
    for each in computation.instructions:
        if each.opcode in _NAMES or each.opcode.endswith("-done"):
            continue
        inner = known.get(each.called or "")
        if each.opcode == "conditional":
            raise _Unknown
        if each.opcode == "while":
            trips = _TRIPS.search(each.text)
            if trips is None or inner is None:
                raise _Unknown
            yield from _ran(inner, known, times * int(trips[1]))
        elif inner is not None and (each.opcode == "call" or each.opcode.endswith("-start")):
            yield from _ran(inner, known, times)
        else:
            yield times, _kind(each, computation, inner), _moved(each, computation, inner)


def _kind(each: _Instruction, around: _Computation, inner: _Computation | None) -> _Kind:
    if each.opcode == "custom-call":
        return "product" if _LIBRARY.search(each.text) else "streamed"
    within = around if inner is None else inner
    some = [each] if inner is None else inner.instructions
    if any(one.opcode in _PRODUCTS for one in some):
        return "product"
    return "turned" if any(_turns(one, within) for one in some) else "streamed"


def _turns(each: _Instruction, within: _Computation) -> bool:
    """A transposition that only names another order is a bitcast by now."""
    if each.opcode == "copy":
        source = within.by_name.get(each.operands[0])
        return source is not None and source.layout != each.layout
    return each.opcode == "transpose"


def _moved(each: _Instruction, around: _Computation, inner: _Computation | None) -> int:
    if inner is not None and each.opcode == "fusion":
        return _moved_by_fusion(each, around, inner)
    sizes = [around.by_name[name].size for name in each.operands if name in around.by_name]
    return _moved_by(each, sizes)


def _moved_by(each: _Instruction, sizes: Sequence[int]) -> int:
    """`sizes`: of the operands. A library's call may be given room to work in behind its result."""
    if each.opcode in _SLICES:
        return 2 * each.size + sum(sizes[1:])
    if each.opcode in _WRITES:
        return 2 * sizes[_WRITES[each.opcode]]
    written = each.first_size if each.opcode == "custom-call" else each.size
    return written + sum(sizes)


def _moved_by_fusion(each: _Instruction, around: _Computation, inner: _Computation) -> int:
    written, in_place = 0, list[_Instruction]()
    for root in inner.results():
        target = _updated(root, inner)
        written += root.size if target is None else _part(root, inner)
        in_place += [] if target is None else [target]
    read = 0
    for place, one in enumerate(_parameters(inner)):
        if place < len(each.operands) and one not in in_place:
            whole = around.by_name[each.operands[place]].size
            read += min(whole, _used(one, inner, whole))
    return written + read


def _updated(root: _Instruction, inner: _Computation) -> _Instruction | None:
    """The parameter of which the fusion writes a part, in place."""
    if root.opcode not in _WRITES:
        return None
    target = inner.behind(root.operands[0])
    return target if target.opcode == "parameter" else None


def _part(root: _Instruction, inner: _Computation) -> int:
    return inner.by_name[root.operands[_WRITES[root.opcode]]].size


def _parameters(inner: _Computation) -> list[_Instruction]:
    found = [each for each in inner.instructions if each.opcode == "parameter"]
    return sorted(found, key=lambda each: int(each.text.partition(")")[0]))


def _used(parameter: _Instruction, inner: _Computation, whole: int) -> int:
    """Bytes of it that are read."""
    users = list(_users(parameter.name, inner.instructions))
    if any(user.opcode not in _SLICES or user.operands[0] != parameter.name for user in users):
        return whole
    return sum(user.size for user in users)


def _users(name: str, instructions: Iterable[_Instruction]) -> Iterator[_Instruction]:
    return (each for each in instructions if name in each.operands)
