"""A case: one workload at one size, phase and dtype, with what it costs on paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ITEMSIZE_BYTES = {"f32": 4, "bf16": 2}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one call of a case needs at least, counted by hand.

    `flops`: floating-point operations; a multiply-add is two, a transcendental is one.
    `bytes`: traffic to memory when every input is read once and every output written once.
    """

    flops: float
    bytes: float

    @property
    def intensity(self) -> float:
        """FLOP per byte (the x axis of a roofline)."""
        return self.flops / self.bytes


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the catalogue.

    `id`: a path, `workload/size[/phase]/dtype`, which globs select.
    `phase`: `kernel` for a single operation, else the model's phase (`forward`, ...).
    `tolerance`: the largest numerics error (see `workloads.numerics`) that is accepted.
    """

    id: str
    workload: str
    phase: str
    dtype: str
    cost: Cost
    tolerance: float
    suites: tuple[str, ...]
    parameters: Mapping[str, int | float | str] = field(default_factory=dict, hash=False)

    def integer(self, name: str) -> int:
        """The whole-number parameter `name`. Raises `TypeError` where it is something else."""
        value = self.parameters[name]
        if not isinstance(value, int):
            raise TypeError(f"{self.id}: parameter {name} is {value!r}, not a whole number")
        return value
