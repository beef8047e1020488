"""What a launch may say before it is believed: container output is untrusted."""

from containers import owner
from containers.accelerators import missing
from harness.errors import EnvironmentFailure
from harness.records import BadRecord, Benchmark, Environment, Measurement
from harness.target import Target
from workloads.catalog import find


def check_environment(name: str, target: Target, found: Environment, *, own: bool = False) -> None:
    """Refuses a launch that would measure something else than the target says.

    JAX falls back to the CPU without a word when CUDA is missing; a CPU's time under a GPU's
    name is the worst that a benchmark database could hold. A suite of one's own may do without
    JAX: then there is nothing that could fall back. Raises `EnvironmentFailure`.
    """
    without_jax = own and found.jax is None
    if found.platform != target.platform and not without_jax:
        devices = ", ".join(found.device_kinds)
        raise EnvironmentFailure(
            f"target {name} is for platform {target.platform}, but JAX found {found.platform} "
            f"({devices}); nothing was recorded. {_advice(target, found)}"
        )
    if found.boot_id is not None and found.boot_id != owner.boot_id():
        raise EnvironmentFailure(
            "the engine (DOCKER_HOST) runs on another machine; its results would be recorded "
            "under this machine's name. Run jaxrig on that machine"
        )


def _advice(target: Target, found: Environment) -> str:
    """What the launch found out itself, or else what usually helps."""
    if target.platform == "cuda" and found.no_gpu is not None:
        return _sentence(found.no_gpu)
    absent = missing(target.platform)
    if absent is not None:  # a plain process is not asked for it before
        return _sentence(str(absent))
    return _PLATFORM_ADVICE[target.platform]


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}; or measure --target cpu."


def check_measurement(found: Measurement) -> None:
    """Refuses a measurement whose facts are not the catalogue's: container output is untrusted,
    and whether numbers are right enough is not the container's to say. Raises `BadRecord`."""
    case = find(found.case)
    expected = {
        "workload": case.workload,
        "phase": case.phase,
        "dtype": case.dtype,
        "parameters": dict(case.parameters),
        "flops": case.cost.flops,
        "bytes": case.cost.bytes,
        "storage_bytes": case.cost.storage_bytes,
        "link_bytes": case.cost.link_bytes,
        "work_unit": None if case.work is None else case.work.unit,
        "work_count": None if case.work is None else case.work.count,
        "numerics_tolerance": case.tolerance,
    }
    for name, value in expected.items():
        if getattr(found, name) != value:
            raise BadRecord(f"{name} is {getattr(found, name)}, in the catalogue {value}")
    if found.numerics_error > case.tolerance:
        raise BadRecord(
            f"numerics error {found.numerics_error:.3g} above the tolerance {case.tolerance:.3g}"
        )


def check_benchmark(target: Target, found: Benchmark) -> Benchmark:
    """`found`, with a warning where nothing shows that it ran on the target's platform.

    Raises `BadRecord` where it did not: a suite may set JAX up itself.
    """
    if found.platform is None and target.platform != "cpu":
        unknown = f"JAX had not been started: nothing shows that this ran on {target.platform}"
        return found.model_copy(update={"warnings": [*found.warnings, unknown]})
    if found.platform not in (None, target.platform):
        raise BadRecord(
            f"it ran on {found.platform}, and the target is for {target.platform}: "
            "the suite sets JAX's platform itself"
        )
    return found


_PLATFORM_ADVICE = {
    "cpu": 'Set JAX_PLATFORMS = "cpu" in the target\'s env.',
    "cuda": "Check that nvidia-smi works here, that the NVIDIA Container Toolkit is installed "
    "and that the target has gpus = true and a JAX with CUDA; or measure --target cpu.",
    "rocm": "Check that rocminfo lists a GPU here, and that the target has a JAX for its release "
    "of ROCm; or measure --target cpu.",
    "tpu": "Check that no other process holds the TPU, and that the target has jax[tpu]; what "
    "libtpu said is in the launch's log (jaxrig show); or measure --target cpu.",
}
