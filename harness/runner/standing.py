"""How targets stand here: whether their image is built, and whether this machine can run them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from containers.accelerators import accelerator, missing
from containers.docker_engine import connect, engine_errors
from containers.errors import EngineError, LaunchRefused
from containers.spec import parse_cpuset
from containers.stock import Listed, Stock, stock
from harness.config import Settings
from harness.errors import JaxrigError
from harness.machine import this_machine
from harness.runner.interpreter import interpreter
from harness.runner.setup import recipe
from harness.target import Target
from workloads import catalog


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`image`: None where there is none yet, or none is needed. `why_not`: why this machine cannot
    run the target; None where it can."""

    image: Listed | None
    why_not: str | None


def standings(settings: Settings) -> dict[str, Standing]:
    """Of every target by name. The engine is asked once for all of them."""
    engine = _Engine()
    if any(each.isolation == "container" for each in settings.targets.values()):
        engine = _asked()
    return {name: _standing(name, target, engine) for name, target in settings.targets.items()}


@dataclass(frozen=True, kw_only=True)
class _Engine:
    """What it holds, and whether it hands out GPUs. `amiss`: why it does not answer."""

    stock: Stock = field(default_factory=lambda: Stock({}))
    gpus: bool = False
    amiss: str | None = None


def _asked() -> _Engine:
    try:
        client = connect()
        with engine_errors("describe itself"):
            runtimes = client.info().get("Runtimes") or {}
        return _Engine(stock=stock(client), gpus="nvidia" in runtimes)
    except EngineError as error:
        return _Engine(amiss=str(error))


def _standing(name: str, target: Target, engine: _Engine) -> Standing:
    image, reasons = None, list(_lacking_here(target))
    try:
        if target.isolation == "process":
            interpreter(target.python, ["jax"])
        elif engine.amiss is not None:
            reasons.insert(0, engine.amiss)
        else:
            reasons += _lacking_there(target, engine)
            workloads = Path(catalog.__file__).parents[1]
            image = engine.stock.made_of(recipe(name, target), workloads)
    except (JaxrigError, EngineError) as error:
        reasons.append(str(error))
    return Standing(image=image, why_not=reasons[0] if reasons else None)


def _lacking_here(target: Target) -> Iterator[str]:
    """What the target asks for and this machine has not."""
    machine = this_machine()
    if target.platform == "cuda" and not machine.gpus:
        yield "there is no NVIDIA GPU here (nvidia-smi finds no driver)"
    if (absent := missing(target.platform)) is not None:
        yield str(absent)
    yield from _beyond("cpus", _cpus(target), machine.threads)
    if target.platform != "rocm":  # whose GPUs nvidia-smi does not list
        yield from _beyond("gpus", _gpus(target), len(machine.gpus))


def _beyond(key: str, numbers: Iterable[int], count: int) -> Iterator[str]:
    absent = [str(number) for number in numbers if number >= count]
    if absent:
        yield f"`{key}` of this target names {', '.join(absent)}, and this machine has {count}"


def _cpus(target: Target) -> Iterable[int]:
    return () if target.cpus is None else parse_cpuset(target.cpus)


def _gpus(target: Target) -> Iterable[int]:
    """Those that are chosen by number; a UUID is the engine's to know."""
    devices = target.devices()
    return () if isinstance(devices, bool) else (int(x) for x in devices if x.isdecimal())


def _lacking_there(target: Target, engine: _Engine) -> Iterator[str]:
    """What a container of the target would not be given."""
    if target.image is not None and engine.stock.find(target.image) is None:
        yield f"this engine holds no image {target.image} (`docker pull` or `docker load` it)"
    if target.platform == "cuda" and not target.gpus:
        yield "no GPU reaches its containers: it needs gpus = true in jaxrig.toml"
    if target.gpus and target.platform != "rocm" and not engine.gpus:
        yield "this engine hands out no GPUs: install the NVIDIA Container Toolkit"
    try:
        accelerator(target.platform)
    except LaunchRefused as refused:
        yield str(refused)
