"""Which measurements are asked for, by the parameters that many addresses have: those of `jaxrig
history`."""

from collections.abc import Sequence

from harness.store.filters import Filters
from harness.web.parameters import Asked, began, one_of, tag, text
from harness.web.refused import not_asked_so

STATUSES = ("running", "done", "failed", "interrupted")

CASES = text("case", "a case's name, or a glob; repeats: any of them", repeats=True)
MACHINE = text("machine", "a host name, or the beginning of a fingerprint")
TARGET = text("target", "of runs of it")
SUITE = text("suite", "of runs of it")
STATUS = one_of("status", "how runs ended", STATUSES)
SINCE = began("since", "of runs that began then or later")
UNTIL = began("until", "of runs that began before")
ISOLATION = one_of("isolation", "of runs measured so", ("container", "process", "imported"))

FILTERS = (
    CASES,
    TARGET,
    MACHINE,
    text("image", "the beginning of a digest, or a glob of tags"),
    text("jax", "of launches with this version"),
    text("commit", "the beginning of the commit where jaxrig was called"),
    tag("tag", "KEY=VALUE; repeats: all of them"),
    SUITE,
    ISOLATION,
    SINCE,
    UNTIL,
)


def filters_of(asked: Asked) -> Filters:
    """By those that the address has. Raises `Refused` for a tag that is given two values."""
    values = asked.values
    return Filters(
        cases=values.get("case", ()),
        target=values.get("target"),
        machine=values.get("machine"),
        image=values.get("image"),
        jax=values.get("jax"),
        commit=values.get("commit"),
        tags=_tags(values.get("tag", ())),
        suite=values.get("suite"),
        isolation=values.get("isolation"),
        since=values.get("since"),
        until=values.get("until"),
        statuses=(values["status"],) if values.get("status") else (),
    )


def _tags(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    found = dict(pairs)
    for key, value in pairs:
        if found[key] != value:
            raise not_asked_so(f"tag {key} is given twice: {value!r} and {found[key]!r}")
    return found
