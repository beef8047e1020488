"""What makes two runs, or one case in both, unlike: named, so that nothing is compared silently."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from harness.compare import Side

_ALIKE = ("machine", "platform", "isolation")
_IDENTITY = ("target", "suite", "jaxrig_version")
_SURROUNDINGS = ("limits", "env")

PARAMETERS = "parameters"
OTHER_CODE = "other compiled code (HLO)"


def of_runs(base: "Side", candidate: "Side") -> Iterator[str]:
    """As `name: base → candidate`: hardware first, then the image, versions, and all else."""
    yield from _fields(base, candidate, ("machine",))
    if base.run.machine != candidate.run.machine:
        for name, before, after in _unlike(base.machine, candidate.machine):
            yield f"machine.{name}: {_short(before)} → {_short(after)}"
    yield from _fields(base, candidate, ("platform", "isolation", "image"))
    yield from _software(base, candidate)
    yield from _fields(base, candidate, _IDENTITY)


def are_alike(base: "Side", candidate: "Side") -> bool:
    """Whether both were measured in the same way on the same hardware."""
    return all(getattr(base.run, name) == getattr(candidate.run, name) for name in _ALIKE)


def of_case(base: "pd.DataFrame", candidate: "pd.DataFrame") -> Iterator[str]:
    """Of the rows of one case; `PARAMETERS` begins what makes it other work."""
    before, after = (rows["parameters"].iloc[0] for rows in (base, candidate))
    if before != after:
        yield f"{PARAMETERS}: {before} → {after}"
    if set(base["hlo_sha256"]) != set(candidate["hlo_sha256"]):
        yield OTHER_CODE


def _fields(base: "Side", candidate: "Side", names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        before, after = getattr(base.run, name), getattr(candidate.run, name)
        if before != after:
            yield f"{name}: {_short(before)} → {_short(after)}"


def _software(base: "Side", candidate: "Side") -> Iterator[str]:
    surroundings = (_surroundings(base), _surroundings(candidate))
    if not all(surroundings):
        return
    for name, before, after in _unlike(*surroundings):
        if isinstance(before, dict) and isinstance(after, dict):
            for key, old, new in _unlike(before, after):
                yield f"{name}.{key}: {_short(old)} → {_short(new)}"
        else:
            yield f"{name}: {_short(before)} → {_short(after)}"


def _surroundings(side: "Side") -> dict[str, Any]:
    """Limits, variables and software of a run's first launch that told them; else nothing."""
    for launch in side.launches:
        if launch.environment is not None:
            told = {key: value for key, value in launch.environment.items() if key != "platform"}
            return told | {name: getattr(launch, name) for name in _SURROUNDINGS}
    return {}


def _unlike(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _short(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return ", ".join(_short(each) for each in value)
    if isinstance(value, dict):
        return " ".join(f"{name} {_short(each)}" for name, each in value.items())
    text = str(value)
    return text[:19] if text.startswith("sha256:") else text
