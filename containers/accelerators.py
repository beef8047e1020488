"""What a container needs of AMD's GPUs and of TPUs: their device files, and groups to open them.

NVIDIA's GPUs come by the engine's device requests instead. AMD's:
https://rocm.docs.amd.com/projects/install-on-linux/en/latest/how-to/docker.html, TPUs:
https://docs.jax.dev/en/latest/installation.html#pip-installation-google-cloud-tpu
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from containers.errors import LaunchRefused

DEV = Path("/dev")

_OTHERS, _GROUP = stat.S_IROTH | stat.S_IWOTH, stat.S_IRGRP | stat.S_IWGRP


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """`ways`: patterns of files, all of which are needed; of several ways the first that is there.
    `driver`: what brings them. `locks_memory`: what talks to it pins memory, without a bound."""

    name: str
    ways: tuple[tuple[str, ...], ...]
    driver: str
    locks_memory: bool


_KINDS = {
    "rocm": _Kind(
        name="AMD GPU",
        ways=(("kfd", "dri/renderD*"),),
        driver="AMD's kernel driver amdgpu (package amdgpu-dkms; `rocminfo` then lists the GPU)",
        locks_memory=False,
    ),
    "tpu": _Kind(
        name="TPU",
        ways=(("accel[0-9]*",), ("vfio/vfio", "vfio/[0-9]*")),
        driver="a TPU's driver, which the virtual machines come with that have one",
        locks_memory=True,
    ),
}
"""By platform."""


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """What a container is given. `files`: device files here. `groups`: those that may open them,
    by number, where not everybody may."""

    files: tuple[Path, ...] = ()
    groups: tuple[int, ...] = ()
    locks_memory: bool = False


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Device files (patterns) of which any would do, and what brings them."""

    name: str
    files: tuple[str, ...]
    driver: str

    def __str__(self) -> str:
        return f"there is no {self.name} here: no {' nor '.join(self.files)}; install {self.driver}"


def accelerator(platform: str, dev: Path = DEV) -> Accelerator:
    """Nothing where the platform needs none. Raises `LaunchRefused` for a file that is not there,
    or that a launch, which runs as nobody, could not open."""
    kind = _KINDS.get(platform)
    if kind is None:
        return Accelerator()
    absent = missing(platform, dev)
    if absent is not None:
        raise LaunchRefused(str(absent))
    files = next(filter(None, (_files(way, dev) for way in kind.ways)))
    groups = sorted({group for path in files for group in _groups(path)})
    return Accelerator(files=files, groups=tuple(groups), locks_memory=kind.locks_memory)


def missing(platform: str, dev: Path = DEV) -> Missing | None:
    """What is not there of the platform; None where it is, or needs no device file."""
    kind = _KINDS.get(platform)
    if kind is None or any(_files(way, dev) for way in kind.ways):
        return None
    absent = (
        next(dev / pattern for pattern in way if not _matching(pattern, dev)) for way in kind.ways
    )
    return Missing(name=kind.name, files=tuple(map(str, absent)), driver=kind.driver)


def chosen(platform: str, gpus: bool | tuple[str, ...]) -> dict[str, str]:
    """Makes ROCm see these GPUs alone, by number or UUID:
    https://rocm.docs.amd.com/en/latest/conceptual/gpu-isolation.html"""
    if platform != "rocm" or isinstance(gpus, bool):
        return {}
    return {"ROCR_VISIBLE_DEVICES": ",".join(gpus)}


def _files(way: tuple[str, ...], dev: Path) -> tuple[Path, ...]:
    """Those of all its patterns; none where one has none."""
    found = [_matching(pattern, dev) for pattern in way]
    return tuple(path for paths in found for path in paths) if all(found) else ()


def _matching(pattern: str, dev: Path) -> list[Path]:
    return sorted(path for path in dev.glob(pattern) if path.is_char_device())


def _groups(path: Path) -> Iterator[int]:
    """The group that is needed to open it; none where everybody may."""
    found = path.stat()
    if found.st_mode & _OTHERS == _OTHERS:
        return
    if found.st_mode & _GROUP != _GROUP:
        raise LaunchRefused(
            f"a launch, which runs as nobody, may not open {path} "
            f"({stat.filemode(found.st_mode)}, group {found.st_gid}): a udev rule gives it a group "
            'that may (GROUP="render", MODE="0660")'
        )
    yield found.st_gid
