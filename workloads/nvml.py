"""A GPU's clocks, power and health, as NVIDIA's management library (NVML) tells them.

Nothing is set here, only read:
https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
"""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

APPLICATION_CLOCKS = "applications_clocks_setting"
IDLE = "gpu_idle"

VISIBLE, ORDER, BY_BUS = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "PCI_BUS_ID"
"""Variables that say which GPUs CUDA shows and in which order, and the order that NVML has."""

_REASONS = {
    0x1: IDLE,
    0x2: APPLICATION_CLOCKS,
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
    0x200: "board_limit",
    0x400: "reliability",
}
"""Why a clock is not higher, by its bit: `nvmlClocksEventReason…` of nvml.h."""

_MHZ = 1e6
_MILLI = 1e-3


class Unread(Exception):
    """NVML cannot be asked here, and why."""


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What one look between two rounds tells. None: the GPU does not tell."""

    sm_clock_hz: float | None
    throttle_reasons: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Reading(Glance):
    """All that is read of a GPU at a moment. `ecc_errors`: uncorrected ones since the driver was
    loaded; `energy_j`: used since then."""

    power_w: float | None
    temperature_c: float | None
    ecc_errors: int | None
    energy_j: float | None


@dataclass(frozen=True, kw_only=True)
class Driver:
    """NVIDIA's, by its own number and the newest CUDA that it knows, as (13, 0)."""

    version: str
    cuda: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A GPU's. `used_bytes`: by whomever, what the driver keeps for itself included."""

    total_bytes: int
    used_bytes: int


class Gpu:
    """One that CUDA shows this process."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle
        sm = nvml.NVML_CLOCK_SM
        self.name: str | None = self._told(lambda: nvml.nvmlDeviceGetName(handle))
        self.uuid: str | None = self._told(lambda: nvml.nvmlDeviceGetUUID(handle))
        self.max_sm_clock_hz = self._scaled(
            lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, sm), _MHZ
        )
        self.application_sm_clock_hz = self._scaled(
            lambda: nvml.nvmlDeviceGetApplicationsClock(handle, sm), _MHZ
        )
        """What somebody has set it to, or the vendor has."""
        self.memory_at_first = self.memory()
        """Before this process took any, where it has asked before it started JAX."""

    def glance(self) -> Glance:
        nvml, handle = self._nvml, self._handle
        bits = self._told(lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
        return Glance(
            sm_clock_hz=self._scaled(
                lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM), _MHZ
            ),
            throttle_reasons=None if bits is None else reasons(bits),
        )

    def read(self) -> Reading:
        nvml, handle = self._nvml, self._handle
        uncorrected, since_boot = nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
        glance = self.glance()
        return Reading(
            sm_clock_hz=glance.sm_clock_hz,
            throttle_reasons=glance.throttle_reasons,
            power_w=self._scaled(lambda: nvml.nvmlDeviceGetPowerUsage(handle), _MILLI),
            temperature_c=self._scaled(
                lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU), 1.0
            ),
            ecc_errors=self._told(
                lambda: nvml.nvmlDeviceGetTotalEccErrors(handle, uncorrected, since_boot)
            ),
            energy_j=self._scaled(lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle), _MILLI),
        )

    def memory(self) -> Memory | None:
        found = self._told(lambda: self._nvml.nvmlDeviceGetMemoryInfo(self._handle))
        if found is None:
            return None
        return Memory(total_bytes=int(found.total), used_bytes=int(found.used))

    def _scaled(self, ask: Callable[[], int], unit: float) -> float | None:
        told = self._told(ask)
        return None if told is None else told * unit

    def _told(self, ask: Callable[[], T]) -> T | None:
        """None where this GPU, this driver, or what this process may see does not tell. A GPU that
        was lost is another matter: that raises."""
        untold = (
            self._nvml.NVML_ERROR_NOT_SUPPORTED,
            self._nvml.NVML_ERROR_NO_PERMISSION,
            self._nvml.NVML_ERROR_FUNCTION_NOT_FOUND,
        )
        try:
            return ask()
        except self._nvml.NVMLError as error:
            if error.value not in untold:
                raise
            return None


def driver() -> Driver:
    """Raises `Unread`."""
    nvml = _begun()
    try:
        version, cuda = nvml.nvmlSystemGetDriverVersion(), nvml.nvmlSystemGetCudaDriverVersion_v2()
    except nvml.NVMLError as error:
        raise Unread(f"NVML: {error}") from error
    return Driver(version=version, cuda=(cuda // 1000, cuda % 1000 // 10))


def gpus() -> tuple[Gpu, ...]:
    """Those that CUDA shows this process, in its order; at least one. Raises `Unread`."""
    return gpus_by(os.environ.get(VISIBLE), os.environ.get(ORDER))


@cache
def gpus_by(visible: str | None, order: str | None) -> tuple[Gpu, ...]:
    """By those two variables; found once, so that what was free at first is known later. Raises
    `Unread`."""
    nvml = _begun()
    try:
        every = [
            Gpu(nvml, nvml.nvmlDeviceGetHandleByIndex(index))
            for index in range(nvml.nvmlDeviceGetCount())
        ]
        found = tuple(every if visible is None else _shown(nvml, every, visible))
    except nvml.NVMLError as error:
        raise Unread(f"NVML: {error}") from error
    if not found:
        raise Unread(f"NVML: no GPU where {VISIBLE} is {visible or 'not set'}")
    if order != BY_BUS and len({gpu.name for gpu in every}) > 1:
        raise Unread(f"GPUs of several kinds, whose order is known where {ORDER} is {BY_BUS}")
    return found


def need_known(numbers: Collection[int]) -> None:
    """Raises `Unread` where CUDA counts more GPUs than `gpus` has."""
    count = len(gpus())
    if any(number >= count for number in numbers):
        raise Unread(f"JAX runs on GPU {max(numbers)}, counted from 0, and NVML shows {count}")


def order_by_bus() -> None:
    """Makes CUDA count GPUs as NVML and nvidia-smi do, unless somebody has said how: to be called
    before anything has started it. It would put the fastest first.
    https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars"""
    os.environ.setdefault(ORDER, BY_BUS)


def _shown(nvml: Any, every: Sequence[Gpu], visible: str) -> Iterator[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES names by number or by (the beginning of) a UUID, up to the
    first that there is not: CUDA reads no further."""
    for word in visible.split(","):
        name = word.strip()
        if name.startswith("MIG-"):
            yield Gpu(nvml, nvml.nvmlDeviceGetHandleByUUID(name))
            continue
        numbered = every[int(name) :][:1] if name.isdecimal() else []
        found = numbered or [gpu for gpu in every if name and (gpu.uuid or "").startswith(name)]
        if not found:
            return
        yield found[0]


def reasons(bits: int) -> tuple[str, ...]:
    """Names of the bits that are set; one without a name goes by its number."""
    found = (1 << place for place in range(bits.bit_length()) if bits >> place & 1)
    return tuple(_REASONS.get(bit, f"bit_{bit.bit_length() - 1}") for bit in found)


def _begun() -> Any:
    """NVIDIA's bindings (which have no annotations), with the library at work. Raises `Unread`."""
    try:
        import pynvml
    except ImportError as error:
        raise Unread("nvidia-ml-py is not installed") from error
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise Unread(f"NVML: {error}") from error
    return pynvml
