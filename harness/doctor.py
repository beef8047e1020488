"""Looks at everything a run needs, and says of each part whether it is well or how to mend it."""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from containers.accelerators import accelerator, missing
from containers.assets import assets
from containers.bounds import WAY_OUT, unbound
from containers.docker_engine import connect, engine_errors
from containers.errors import EngineError, LaunchRefused
from containers.host import CA_VARIABLES
from containers.images import REGISTRY_BASE, known_base
from containers.podman import engine_name
from containers.spec import GIB
from harness.errors import DatabaseFailure, NoResults
from harness.machine import host_software, memory_bytes, this_machine
from harness.report import quantity
from harness.store.database import open_for_reading
from harness.store.url import shown
from harness.tenants import tenants

_MEMORY_WANTED_BYTES = 4 * GIB
_DISK_WANTED_BYTES = 5 * GIB  # base, stack, build stages, and room for results


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`fail` keeps a run in a container from working; `warn` makes it worse; `ok` is well."""

    check: str
    status: Literal["ok", "warn", "fail"]
    found: str
    mend: str = ""


def examine(database_url: str) -> list[Finding]:
    """All findings, the engine's first."""
    engine, base, info = _engine()
    return [
        engine,
        base,
        _proxy(os.environ),
        _governor(),
        _memory(),
        _disk("disk (results)", Path()),
        *([_disk("disk (engine)", Path(info["DockerRootDir"]))] if info else []),
        _gpu(info),
        _accelerators(),
        _process(),
        _database(database_url),
    ]


def _engine() -> tuple[Finding, Finding, Mapping[str, Any]]:
    """The engine, its base image, and what it says of itself (nothing where it fails)."""
    try:
        client = connect()
        with engine_errors("describe itself"):
            version, info, known = client.version(), client.info(), known_base(client)
    except EngineError as error:
        mend = f"{assets() / 'engine.sh'} start, or --isolation process"
        return (
            Finding(check="engine", status="fail", found=str(error), mend=mend),
            Finding(check="base image", status="warn", found="not known without an engine"),
            {},
        )
    return _described(version, info), _base(known), info


def _described(version: Mapping[str, Any], info: Mapping[str, Any]) -> Finding:
    """The engine, and whether it holds launches to their limits."""
    found = (
        f"{engine_name(version)} {version['Version']}, API {version['ApiVersion']}, "
        f"cgroups of version {info.get('CgroupVersion', 'unknown')}"
    )
    if missing := unbound(info):
        found = f"{found}; it cannot hold a launch to its {', '.join(missing)}"
        return Finding(check="engine", status="fail", found=found, mend=WAY_OUT)
    return Finding(check="engine", status="ok", found=found)


def _base(known: str | None) -> Finding:
    if known is not None:
        return Finding(check="base image", status="ok", found=known)
    if shutil.which("mmdebstrap"):
        found = f"none yet; the first run pulls {REGISTRY_BASE} or makes one"
        return Finding(check="base image", status="ok", found=found)
    return Finding(
        check="base image",
        status="warn",
        found=f"none yet, and no mmdebstrap; the first run needs a registry with {REGISTRY_BASE}",
        mend="apt-get install mmdebstrap, where no registry can be reached",
    )


def _proxy(environment: Mapping[str, str]) -> Finding:
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
    proxies = [name for name in names if environment.get(name)]
    bundles = {name: environment[name] for name in CA_VARIABLES if environment.get(name)}
    for name, path in bundles.items():
        if not Path(path).is_file():
            return Finding(
                check="proxy and CA",
                status="fail",
                found=f"{name} names {path}, which is no file",
                mend=f"correct or unset {name}",
            )
    parts = [f"proxy from {proxies[0]}"] if proxies else ["no proxy"]
    parts += [f"CA bundle from {next(iter(bundles))}"] if bundles else ["the default CA bundle"]
    return Finding(check="proxy and CA", status="ok", found=", ".join(parts))


def _governor() -> Finding:
    files = sorted(Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor"))
    governors = {file.read_text().strip() for file in files}
    if not governors:
        found = "not visible (usual in virtual machines): the clock may drift"
        return Finding(check="CPU governor", status="ok", found=found)
    if governors == {"performance"}:
        return Finding(check="CPU governor", status="ok", found="performance")
    return Finding(
        check="CPU governor",
        status="warn",
        found=", ".join(sorted(governors)),
        mend="cpupower frequency-set -g performance",
    )


def _memory() -> Finding:
    available = memory_bytes("MemAvailable")
    enough = available >= _MEMORY_WANTED_BYTES
    return Finding(
        check="memory",
        status="ok" if enough else "warn",
        found=f"{quantity.size(available)} available",
        mend="" if enough else "end other programs: large cases will run out of memory",
    )


def _disk(check: str, folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(check=check, status="warn", found=f"not visible from here: {error}")
    enough = free >= _DISK_WANTED_BYTES
    return Finding(
        check=check,
        status="ok" if enough else "warn",
        found=f"{quantity.size(free)} free",
        mend="" if enough else "make room; docker image prune removes unused images",
    )


def _gpu(info: Mapping[str, Any]) -> Finding:
    machine = this_machine()
    if not machine.gpus:
        found = "none (nvidia-smi finds no driver): target cuda cannot run here"
        return Finding(check="GPU", status="ok", found=found)
    found = f"{len(machine.gpus)} × {machine.gpus[0].model}, driver {host_software()['gpu_driver']}"
    if info and "nvidia" not in info.get("Runtimes", {}):
        mend = "install the NVIDIA Container Toolkit, or use --isolation process"
        return Finding(check="GPU", status="warn", found=f"{found}; not in the engine", mend=mend)
    if others := tenants():
        busy = "; ".join(map(str, others))
        mend = "end what else computes there, or choose another GPU"
        return Finding(check="GPU", status="warn", found=f"{found}; {busy}", mend=mend)
    return Finding(check="GPU", status="ok", found=found)


def _accelerators() -> Finding:
    """AMD's GPUs and TPUs. Few machines have any: it is well where there are none."""
    check = "AMD GPU, TPU"
    try:
        told = "; ".join(_accelerator(platform) for platform in ("rocm", "tpu"))
    except LaunchRefused as refused:
        mend = "udevadm control --reload, udevadm trigger, once the rule is there"
        return Finding(check=check, status="warn", found=str(refused), mend=mend)
    return Finding(check=check, status="ok", found=told)


def _accelerator(platform: str) -> str:
    """The device files that a launch is given, or that there are none. Raises `LaunchRefused` for
    one that it could not open."""
    absent = missing(platform)
    if absent is not None:
        return f"no {absent.name} ({', '.join(absent.files)})"
    return ", ".join(map(str, accelerator(platform).files))


def _process() -> Finding:
    if importlib.util.find_spec("jax") is None:
        return Finding(
            check="JAX for --isolation process",
            status="ok",
            found="not installed; containers bring their own",
            mend="pip install 'jaxrig[process]', if plain processes are wanted",
        )
    return Finding(check="JAX for --isolation process", status="ok", found="installed")


def _database(url: str) -> Finding:
    check = "database"
    try:
        open_for_reading(url).dispose()
    except DatabaseFailure as error:
        if isinstance(error, NoResults):
            return Finding(check=check, status="ok", found="none yet; the first run makes it")
        return Finding(check=check, status="fail", found=str(error), mend="--db names another")
    return Finding(check=check, status="ok", found=shown(url))
