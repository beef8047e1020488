"""A machine without a flaw: every case takes what its limits say, and no two overlap."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.roofline.calibration import hardware_of
from harness.roofline.ceilings import Hardware, Timed
from workloads.catalog import CASES, CEILINGS, ITEMSIZE_BYTES, Case

KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True, kw_only=True)
class Ideal:
    """`near_bytes_per_s`: of what `private_bytes` hold, `far_bytes_per_s` of anything larger."""

    flops_per_s: float = 1e11
    near_bytes_per_s: float = 1e11
    far_bytes_per_s: float = 1e10
    private_bytes: float = 4.0 * MIB
    call_s: float = 1e-5
    handed_s: float = 2e-5
    woken_s: float = 3e-5
    kernel_s: float = 1e-6
    argument_s: float = 1e-6
    result_s: float = 2e-6
    element_s: float = 3e-10
    link_bytes_per_s: float = 5e9
    storage_bytes_per_s: float = 1e9
    load_s: float = 1e-7

    def bytes_per_s(self, size_bytes: float) -> float:
        near = size_bytes <= self.private_bytes
        return self.near_bytes_per_s if near else self.far_bytes_per_s

    def seconds(self, case: Case) -> float:
        """Of a case of the ceilings."""
        parameters, cost = case.parameters, case.cost
        match case.workload:
            case "matmul" if "weights" in parameters and cost.bytes > self.private_bytes:
                far_s = cost.bytes / self.far_bytes_per_s
                return self.handed_s + cost.flops / self.flops_per_s + far_s
            case "matmul" | "convolution":
                return self.handed_s + cost.flops / self.flops_per_s
            case "activation":
                elements = case.integer("rows") * case.integer("columns")
                each_s = self.element_s * (1 if parameters["activation"] == "relu" else 2)
                return self.handed_s + elements * each_s
            case "memory" if parameters["kernel"] in ("gather", "chase"):
                return self.handed_s + case.integer("loads") * self.load_s
            case "memory":
                size_bytes = case.integer("elements") * ITEMSIZE_BYTES[case.dtype]
                return self.handed_s + cost.bytes / self.bytes_per_s(size_bytes)
            case "link" | "collective":
                return cost.link_bytes / self.link_bytes_per_s
            case "storage":
                return cost.storage_bytes / self.storage_bytes_per_s
            case "dispatch" if parameters["kind"] == "handed":
                return self.handed_s
            case "dispatch" if parameters["kind"] == "woken":
                return self.woken_s
        return self.call_s

    def observed(self, case: Case) -> dict[str, int | float | str]:
        if "longest" not in case.parameters:
            return {}
        slope_s = {
            "chain": self.call_s / 2,
            "kernels": self.kernel_s,
            "looped": self.kernel_s / 2,
            "arguments": self.argument_s,
            "results": self.argument_s + self.result_s,
        }[str(case.parameters["kind"])]
        ends = {"slope_best_s": slope_s / 1.05, "slope_worst_s": slope_s * 1.05}
        return {"slope_s": slope_s, **ends}

    def timed(self) -> Iterator[Timed]:
        """Never faster or slower than usual by more than a twentieth."""
        for case in CASES:
            if CEILINGS in case.suites and (not case.platforms or "cpu" in case.platforms):
                took_s = self.seconds(case)
                yield Timed(
                    case=case,
                    best_s=took_s / 1.05,
                    median_s=took_s,
                    worst_s=took_s * 1.05,
                    observations=self.observed(case),
                )

    def hardware(self) -> Hardware:
        return hardware_of(self.timed(), private_bytes=self.private_bytes, queued=False)
