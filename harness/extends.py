"""`extends`: a target of jaxrig.toml that takes over the keys of another one."""

from collections.abc import Mapping, Sequence
from typing import Any

KEY = "extends"
DESCRIPTION = "Another target, own or built in, whose keys hold where this one has none of its own."

INSTEAD_OF_IMAGE = ("dockerfile", "requirements", "jax", "base")
"""Keys that say how a stack is built: `image` is one."""

_INSTEAD = {"image": INSTEAD_OF_IMAGE, "dockerfile": ("image",)}
"""A key → the inherited ones that it takes the place of."""


class WrongParent(ValueError):
    """What `target` extends is no known target, or in the end itself."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(reason)
        self.keys = ["targets", target, KEY]


def resolved(
    own: Mapping[str, Any], built_in: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The tables of `own` with what they extend filled in, and without the key itself.

    A key that a target has takes the place of the inherited one, whole tables such as `env`
    too. A target that extends its own name means the built-in one. Raises `WrongParent`.
    """
    return {name: _filled(name, own, built_in, ()) for name in own}


def is_inherited(
    raw: Mapping[str, Any], keys: Sequence[str], wrong: Sequence[Sequence[str]]
) -> bool:
    """Whether what is wrong at `keys` of the file `raw` is so with what the target extends, which
    is a target too. `wrong`: the keys of all that is wrong."""
    if keys[:1] != ["targets"] or len(keys) < 3:
        return False
    target = raw["targets"].get(keys[1], {})
    parent = target.get(KEY)
    there = ["targets", parent, *keys[2:]]
    return parent != keys[1] and keys[2] not in target and there in wrong


def _filled(
    name: str,
    own: Mapping[str, Any],
    built_in: Mapping[str, Mapping[str, Any]],
    below: tuple[str, ...],
) -> dict[str, Any]:
    """`below`: the targets that lead here, the first of them the one that is asked for."""
    keys = {key: value for key, value in own[name].items() if key != KEY}
    if KEY not in own[name]:
        return keys
    parent = own[name][KEY]
    if not isinstance(parent, str):
        raise WrongParent(name, 'must name a target, as in "cpu"')
    if parent in built_in and (parent == name or parent not in own):
        return _over(built_in[parent], keys)
    if parent not in own:
        known = ", ".join(sorted({*own, *built_in} - {name}))
        raise WrongParent(name, f"unknown target {parent!r}; known are: {known}")
    chain = (*below, name)
    if parent in chain:
        circle = " → ".join((*chain[chain.index(parent) :], parent))
        raise WrongParent(name, f"a target cannot extend itself: {circle}")
    return _over(_filled(parent, own, built_in, chain), keys)


def _over(inherited: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    gone = {each for key in keys for each in _INSTEAD.get(key, ())}
    return {**{key: value for key, value in inherited.items() if key not in gone}, **keys}
