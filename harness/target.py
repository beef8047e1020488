"""A target as jaxrig.toml declares it, and those that are built in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from harness.extends import INSTEAD_OF_IMAGE

_UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}
_GPU = r"(?:\d{1,3}|(?:GPU|MIG)-[0-9A-Za-z/-]+)"
_GPUS = rf"^{_GPU}(?:,{_GPU})*$"
_SIZE = r"^\s*(\d+(?:\.\d+)?)\s*(MiB|GiB)\s*$"
_LEAST_BYTES, _TOO_MANY_BYTES = 6 << 20, 1 << 60
_CPUSET = r"^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$"
_NAME = r"^[a-z0-9]+([._-][a-z0-9]+)*$"
_VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_VARIABLE = r"^[^\x00]*$"
VERSION = r"^\d+(\.\d+){1,3}((a|b|rc)\d+)?(\.post\d+)?$"
"""Of JAX."""
_REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9_./:@-]*$"
_FLAGS = r"^--[^\x00]*$"

WRITTEN = {
    _CPUSET: 'CPUs and ranges of them, as in "0-3,8"',
    _NAME: "lower-case letters and digits, parted by single `.`, `_` or `-`",
    _VARIABLE_NAME: "letters, digits and `_`, the first no digit",
    _VARIABLE: "a text without NUL",
    VERSION: 'a version, as in "0.9.2"',
    _REFERENCE: 'a tag or a digest, as in "mine/jax:1" or "sha256:0123…"',
    _FLAGS: 'flags, as in "--xla_cpu_enable_fast_math=false"',
}
"""How what a pattern takes is written, for people."""


def _bytes_of(value: object) -> object:
    """`"1.5GiB"` → bytes; what is no such text is left for the type check to refuse."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(_SIZE, value)
    if match is None:
        raise ValueError('a size is a number with a unit, as in "512MiB" or "8GiB"')
    return int(float(match[1]) * _UNITS[match[2]])


def _settable(size: int) -> int:
    """An engine takes no less than 6 MiB of memory, and numbers of 63 bits."""
    if not _LEAST_BYTES <= size < _TOO_MANY_BYTES:
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
    if isinstance(value, bool) or (isinstance(value, str) and re.fullmatch(_GPUS, value)):
        return value
    raise ValueError('is true, false, or which, as in "0", "0,2" or a UUID of `nvidia-smi -L`')


_SizeAsWritten = (
    Annotated[str, Field(pattern=_SIZE)]
    | Annotated[int, Field(ge=_LEAST_BYTES, lt=_TOO_MANY_BYTES)]
)
_GpusAsWritten = bool | Annotated[str, Field(pattern=_GPUS)]

Size = Annotated[
    int,
    BeforeValidator(_bytes_of, json_schema_input_type=_SizeAsWritten),
    AfterValidator(_settable),
]
CpuSet = Annotated[str, Field(pattern=_CPUSET), AfterValidator(_rising)]
Gpus = Annotated[
    bool | str, BeforeValidator(_choice_of_gpus, json_schema_input_type=_GpusAsWritten)
]
# It becomes part of an image's name.
Name = Annotated[str, Field(pattern=_NAME, max_length=64)]
Limit = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]
VariableName = Annotated[str, Field(pattern=_VARIABLE_NAME)]
Variable = Annotated[str, Field(pattern=_VARIABLE)]
JaxVersion = Annotated[str, Field(pattern=VERSION)]
Reference = Annotated[str, Field(pattern=_REFERENCE)]
Flags = Annotated[str, Field(pattern=_FLAGS)]


class Target(BaseModel):
    """A named software stack for one kind of hardware."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Literal["cpu", "cuda", "rocm", "tpu"] = Field(
        description="What JAX must report in a launch, or nothing is recorded."
    )
    image: Reference | None = Field(
        default=None,
        description="An image that the engine holds, by digest or tag, instead of a dockerfile.",
    )
    isolation: Literal["container", "process"] = Field(
        default="container",
        description="What a launch is, where the command line does not say.",
    )
    python: Path | None = Field(
        default=None,
        description="The Python of plain processes: beside jaxrig.toml, or a name on PATH.",
    )
    # After `image` and `isolation`, which say whether there must be one.
    dockerfile: Path | None = Field(
        default=None,
        validate_default=True,
        description="The stack's Dockerfile: beside jaxrig.toml, or built in (cpu.Dockerfile).",
    )
    requirements: Path | None = Field(
        default=None,
        description="Reaches the build as requirements.txt: beside jaxrig.toml, or built in.",
    )
    jax: JaxVersion | None = Field(
        default=None, description="A version of JAX, instead of the one in requirements."
    )
    base: str | None = Field(
        default=None, description="What the Dockerfile starts from: its BASE argument."
    )
    project: Path | None = Field(
        default=None,
        description="A folder of a git repository with a Python project, installed on the stack.",
    )
    env: Mapping[VariableName, Variable] = Field(
        default={}, description="Environment variables of a launch."
    )
    xla_flags: Flags | None = Field(
        default=None, description="Flags of XLA, behind those in env's XLA_FLAGS."
    )
    gpus: Gpus = Field(
        default=False,
        description='All GPUs (true), none, or which: "0", "0,2", or a UUID of `nvidia-smi -L`. '
        "Of AMD's all, where it does not say which.",
    )
    cpus: CpuSet | None = Field(
        default=None, description='A cpuset, as in "0-3,8"; all CPUs where it is not given.'
    )
    memory: Size | None = Field(
        default=None, description='The limit of a launch, as in "8GiB"; there is no swap.'
    )
    tmp: Size = Field(
        default=1 << 30, description="The size of /tmp, which is writable; counts towards memory."
    )
    shm: Size | None = Field(
        default=None, description="The size of /dev/shm; the engine's is 64 MiB."
    )
    pids: int = Field(
        default=1024, gt=0, le=1 << 22, description="Processes and threads of a launch, at most."
    )
    case_limit_s: Limit = Field(
        default=120.0, description="Seconds that one case, or the start-up, may take."
    )
    launch_limit_s: Limit = Field(default=900.0, description="Seconds that a launch may take.")

    @field_validator(*INSTEAD_OF_IMAGE)
    @classmethod
    def _is_no_image_s(cls, value: object, about: ValidationInfo) -> object:
        """An image is taken as it is. A plain process needs neither it nor a Dockerfile."""
        if value is not None and about.data.get("image") is not None:
            raise ValueError("says how a stack is built, and `image` is one: remove either")
        if about.field_name == "dockerfile" and value is None and _needs_one(about.data):
            raise ValueError("is required where there is no `image`")
        return value

    def variables(self) -> dict[str, str]:
        """The environment of a launch: `env`, with `xla_flags` at the end of its XLA_FLAGS."""
        if self.xla_flags is None:
            return dict(self.env)
        flags = f"{self.env.get('XLA_FLAGS', '')} {self.xla_flags}".strip()
        return {**self.env, "XLA_FLAGS": flags}

    def devices(self) -> bool | tuple[str, ...]:
        """`gpus`, those that are chosen one by one."""
        return self.gpus if isinstance(self.gpus, bool) else tuple(self.gpus.split(","))

    def on_gpu(self) -> bool:
        """Whether launches compute on GPUs: those asked for, or what the platform is."""
        return bool(self.gpus) or self.platform in ("cuda", "rocm")


def _needs_one(keys: Mapping[str, object]) -> bool:
    """Whether a target of these keys, those that are well, lacks a Dockerfile."""
    return keys.get("isolation") == "container" and "image" in keys and keys["image"] is None


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
