"""A target as jaxrig.toml declares it, and those that are built in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}
_GPU = r"(?:\d{1,3}|(?:GPU|MIG)-[0-9A-Za-z/-]+)"
_GPUS = re.compile(rf"{_GPU}(?:,{_GPU})*")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(MiB|GiB)\s*")


def _bytes_of(value: object) -> object:
    """`"1.5GiB"` → bytes; what is no such text is left for the type check to refuse."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError('a size is a number with a unit, as in "512MiB" or "8GiB"')
    return int(float(match[1]) * _UNITS[match[2]])


def _settable(size: int) -> int:
    """An engine takes no less than 6 MiB of memory, and numbers of 63 bits."""
    if not 6 << 20 <= size < 1 << 60:
        raise ValueError("a size is at least 6MiB, which an engine needs, and less than 1EiB")
    return size


def _rising(value: str) -> str:
    """The ranges of a cpuset, each from a lower to a higher CPU."""
    for part in value.split(","):
        first, dash, last = part.partition("-")
        if dash and int(first) > int(last):
            raise ValueError(f'{part!r} runs backwards; write it as in "0-3,8"')
    return value


def _choice_of_gpus(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and _GPUS.fullmatch(value)):
        return value
    raise ValueError('is true, false, or which, as in "0", "0,2" or a UUID of `nvidia-smi -L`')


Size = Annotated[int, BeforeValidator(_bytes_of), AfterValidator(_settable)]
CpuSet = Annotated[
    str, Field(pattern=r"^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$"), AfterValidator(_rising)
]
Gpus = Annotated[bool | str, BeforeValidator(_choice_of_gpus)]
# It becomes part of an image's name.
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=64)]
Limit = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Variable = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Flags = Annotated[str, Field(pattern=r"^--[^\x00]*$")]


class Target(BaseModel):
    """A named software stack for one kind of hardware.

    `dockerfile`, `requirements`: paths; a bare name that does not exist beside jaxrig.toml is
    one of the built-in files. `base`: what the Dockerfile starts from (its BASE argument).
    `project`: a folder with a Python project (of a git repository) that is installed on the
    stack. `platform`: what JAX must report, or nothing is recorded. `isolation`: what a launch
    is, where the command line does not say. `python`: of plain processes, instead of the one that
    runs jaxrig. `xla_flags`: flags for XLA, behind those in `env`. `gpus`: none, all, or which.
    `cpus`: a cpuset. `shm`: the size of /dev/shm. Limits in bytes and seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Literal["cpu", "cuda", "rocm", "tpu"]
    dockerfile: Path
    requirements: Path | None = None
    base: str | None = None
    project: Path | None = None
    isolation: Literal["container", "process"] = "container"
    python: Path | None = None
    env: Mapping[VariableName, Variable] = {}
    xla_flags: Flags | None = None
    gpus: Gpus = False
    cpus: CpuSet | None = None
    memory: Size | None = None
    tmp: Size = 1 << 30
    shm: Size | None = None
    pids: Annotated[int, Field(gt=0, le=1 << 22)] = 1024
    case_limit_s: Limit = 120.0
    launch_limit_s: Limit = 900.0

    def variables(self) -> dict[str, str]:
        """The environment of a launch: `env`, with `xla_flags` at the end of its XLA_FLAGS."""
        if self.xla_flags is None:
            return dict(self.env)
        flags = f"{self.env.get('XLA_FLAGS', '')} {self.xla_flags}".strip()
        return {**self.env, "XLA_FLAGS": flags}

    def devices(self) -> bool | tuple[str, ...]:
        """`gpus`, those that are chosen one by one."""
        return self.gpus if isinstance(self.gpus, bool) else tuple(self.gpus.split(","))


BUILT_IN_TARGETS = {
    "cpu": Target(
        platform="cpu",
        dockerfile=Path("cpu.Dockerfile"),
        requirements=Path("cpu.requirements.txt"),
        env={"JAX_PLATFORMS": "cpu"},
    ),
    # No JAX_PLATFORMS: JAX then says by itself what it found, and a fall-back to CPU is refused
    # with the reason instead of ending in an exception of its own.
    "cuda": Target(
        platform="cuda",
        dockerfile=Path("cuda.Dockerfile"),
        requirements=Path("cuda.requirements.txt"),
        gpus=True,
    ),
}
