"""What XLA says about a compiled program: its own counts, its memory, its code."""

from dataclasses import dataclass
from typing import Any

import jax

from workloads.hlo import fingerprint
from workloads.kernels import kernels

POINTER_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class Program:
    """Facts of one executable; None where the backend does not tell.

    `xla_flops`, `xla_bytes`: XLA's estimate, a cross-check and no more. `argument_bytes`
    holds the donated buffer too; `alias_bytes` is what the output shares with it.
    `output_bytes`: of the arrays, without the table of pointers that a tuple has. `kernels` and
    the next three: see `workloads.kernels`; None as well where a loop does not tell how often it
    runs. `arguments`, `results`: arrays that a call is given and gives back.
    """

    xla_flops: float | None
    xla_bytes: float | None
    argument_bytes: int | None
    output_bytes: int | None
    alias_bytes: int | None
    temp_bytes: int | None
    kernels: int | None
    product_bytes: float | None
    turned_bytes: float | None
    streamed_bytes: float | None
    arguments: int
    results: int
    hlo_sha256: str

    def warnings(self) -> list[str]:
        """What a reader of the timing must know."""
        if self.alias_bytes is None or self.output_bytes is None:
            return ["the backend does not tell whether the output reuses the donated buffer"]
        if self.alias_bytes < self.output_bytes:
            alias = f"alias {self.alias_bytes} of {self.output_bytes} bytes"
            return [f"output not written in place ({alias}): the time holds an allocation"]
        return []


def describe(executable: jax.stages.Compiled) -> Program:
    """Reads everything that `executable` says of itself."""
    memory = executable.memory_analysis()
    costs = executable.cost_analysis()
    hlo = executable.as_text() or ""
    ran = kernels(hlo)
    return Program(
        xla_flops=_count(costs, "flops"),
        xla_bytes=_count(costs, "bytes accessed"),
        argument_bytes=getattr(memory, "argument_size_in_bytes", None),
        output_bytes=_output_bytes(executable, memory),
        alias_bytes=getattr(memory, "alias_size_in_bytes", None),
        temp_bytes=getattr(memory, "temp_size_in_bytes", None),
        kernels=ran.count if ran else None,
        product_bytes=ran.product_bytes if ran else None,
        turned_bytes=ran.turned_bytes if ran else None,
        streamed_bytes=ran.streamed_bytes if ran else None,
        arguments=len(jax.tree.leaves(executable.in_avals)),
        results=len(jax.tree.leaves(executable.out_info)),
        hlo_sha256=fingerprint(hlo),
    )


def _output_bytes(executable: jax.stages.Compiled, memory: Any) -> int | None:
    """XLA counts a pointer for each array of a tuple, which never shares the donated buffer (seen
    on CPU and CUDA)."""
    told: int | None = getattr(memory, "output_size_in_bytes", None)
    arrays = len(jax.tree.leaves(executable.out_info))
    return told if told is None or arrays < 2 else told - POINTER_BYTES * arrays


def _count(costs: Any, name: str) -> float | None:
    """`costs[name]`, None where absent or negative (XLA's mark for unknown)."""
    value = costs.get(name) if costs else None
    return float(value) if value is not None and value >= 0 else None
