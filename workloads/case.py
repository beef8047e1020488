"""A case: one workload at one size, phase and dtype, with what it costs on paper."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

SIZES = ("quick", "standard", "full")
"""Each of these suites holds the one before it."""

CEILINGS = "ceilings"
"""The suite that tells what a machine and an image can do at most."""

SUITES = (*SIZES, CEILINGS)

QUICK, STANDARD, FULL = SIZES, SIZES[1:], SIZES[2:]
"""The suites of a case, from the smallest that it is in."""

PROCESS_BYTES = 768 << 20
"""What a process that measures needs beside its case: Python, JAX, a compiler at work, and what
some thirty cases before have left with the allocator (650 MB seen)."""

ITEMSIZE_BYTES = {"f32": 4, "bf16": 2, "f16": 2, "int8": 1, "f8": 1, "int32": 4}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one call of a case needs at least, counted by hand.

    `flops`: floating-point operations; a multiply-add is two, a transcendental is one.
    `bytes`: traffic to memory when every input is read once and every output written once.
    `storage_bytes`: read from or written to a file system. `link_bytes`: moved between host and
    device, or, for each device, sent to the others.
    """

    flops: float
    bytes: float
    storage_bytes: float = 0.0
    link_bytes: float = 0.0

    @property
    def intensity(self) -> float | None:
        """FLOP per byte (the x axis of a roofline); None where nothing is moved."""
        return self.flops / self.bytes if self.bytes else None


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one call gets done, in the words of its field: 1024 tokens, 32 images."""

    unit: str
    count: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the catalogue.

    `id`: a path, `workload/size[/phase]/dtype`, which globs select.
    `phase`: `kernel` for a single operation, else the model's phase (`forward`, ...).
    `tolerance`: the largest numerics error (see `workloads.numerics`) that is accepted.
    `memory_bytes`: the most memory that its process needs, JAX and the reference included.
    `work`: what throughput is counted in; None where FLOP or bytes say it all.
    `devices`: how many it runs on; more than one on CPU means a process with forced devices.
    `platforms`: where it can run at all; empty means everywhere.
    `alone`: in a process of its own, which leaves the device's memory to others.
    """

    id: str
    workload: str
    phase: str
    dtype: str
    cost: Cost
    tolerance: float
    suites: tuple[str, ...]
    memory_bytes: int
    work: Work | None = None
    devices: int = 1
    platforms: tuple[str, ...] = ()
    alone: bool = False
    parameters: Mapping[str, int | float | str] = field(default_factory=dict, hash=False)

    @property
    def definition(self) -> str:
        """A hash of what is computed and how it is counted and checked: two cases of one id are
        the same only where it is. Which suites hold it, and what it needs, is left out."""
        counted = ("workload", "phase", "dtype", "cost", "tolerance", "work", "parameters")
        facts = {name: value for name, value in asdict(self).items() if name in counted}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def integer(self, name: str) -> int:
        """The whole-number parameter `name`. Raises `TypeError` where it is something else."""
        value = self.parameters[name]
        if not isinstance(value, int):
            raise TypeError(f"{self.id}: parameter {name} is {value!r}, not a whole number")
        return value
