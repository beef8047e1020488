"""Which measurements are meant: what a user names, and the conditions that this makes.

Names are looked up here, among the few that there are, so that every database finds the same. What
reaches the database is numbers of rows, and bound parameters.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select

from harness.errors import UsageError
from harness.store.columns import among
from harness.store.names import ImageName, MachineName, Names
from harness.store.tables import LAUNCHES, MEASUREMENTS, PAIRINGS, RUNS
from harness.store.text import storable

Condition = ColumnElement[bool]

_NEAREST = 3

_WILD = re.compile(r"[*?[]")
"""What makes a name a glob: there may be many that are none."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What is left out matches everything.

    `cases`: names or globs, any of them. `machine`: a host name, or the beginning of a fingerprint;
    machines that are linked count as one. `image`: the beginning of a digest, or a glob of tags.
    `jax`: a version. `commit`: the beginning of one. `tags`: all of them. `run`: its name. `since`,
    `until`: of the run's start; the second is not included. `apart`: only runs that were not
    measured in turns.
    """

    cases: Collection[str] = ()
    target: str | None = None
    machine: str | None = None
    image: str | None = None
    jax: str | None = None
    commit: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    statuses: Collection[str] = ()
    suite: str | None = None
    isolation: str | None = None
    run: str | None = None
    apart: bool = False


def measured(
    filters: Filters, names: Names, dialect: str, only: Collection[int] | None = None
) -> list[Condition]:
    """Conditions on `measurements`. `only`: ids of runs that meet what is asked of runs.

    The launches come as a subquery: SQLite then begins with the runs that are meant, and looks each
    measurement up by case and launch; of a join it would begin with the case, and read of all
    machines what it drops afterwards.
    """
    conditions = []
    if filters.cases:
        found = cases_meant(filters, names)
        if len(found) < len(names.cases):
            conditions.append(among(MEASUREMENTS.c.case_id, found))
    of_runs = runs(filters, names, dialect) if only is None else [among(RUNS.c.id, only)]
    launches = _launches(of_runs, filters.jax, names)
    if launches is not None:
        conditions.append(MEASUREMENTS.c.launch_id.in_(launches))
    return conditions


def runs(filters: Filters, names: Names, dialect: str) -> list[Condition]:
    """Conditions on `runs`."""
    row = RUNS.c
    equal = {
        row.target: filters.target,
        row.suite: filters.suite,
        row.isolation: filters.isolation,
        row.name: filters.run,
    }
    conditions = [column == storable(value) for column, value in equal.items() if value is not None]
    if filters.machine is not None:
        conditions.append(among(row.machine_id, machines_named(filters.machine, names)))
    if filters.image is not None:
        conditions.append(among(row.image_id, images_named(filters.image, names)))
    if filters.commit is not None:  # LIKE has wildcards, and SQLite's does not tell a from A
        commit = storable(filters.commit)
        conditions.append(func.substr(row.git_commit, 1, len(commit)) == commit)
    if filters.since is not None:
        conditions.append(row.started_at >= filters.since)
    if filters.until is not None:
        conditions.append(row.started_at < filters.until)
    if filters.statuses:
        conditions.append(row.status.in_(filters.statuses))
    if filters.apart:
        sides = (PAIRINGS.c.base_run_id, PAIRINGS.c.candidate_run_id)
        conditions += (~exists().where(side == row.id) for side in sides)
    conditions += (tagged(row.tags, key, value, dialect) for key, value in filters.tags.items())
    return conditions


def tagged(tags: ColumnElement[Any], key: str, value: str, dialect: str) -> Condition:
    """`tags`: a JSON object."""
    key, value = storable(key), storable(value)
    if dialect == "sqlite":  # its paths into JSON cannot hold every key
        each = func.json_each(tags).table_valued("key", "value")
        return exists().where(each.c.key == key, each.c.value == value)
    condition: Condition = tags[key].as_string() == value
    return condition


def matches(name: str, globs: Collection[str]) -> bool:
    """Also where the name itself is given: tests of one's own have brackets in theirs."""
    return any(name == glob or fnmatchcase(name, glob) for glob in globs)


def cases_meant(filters: Filters, names: Names) -> set[int]:
    """Ids of the cases that are asked for."""
    whole, globs = set(filters.cases), [each for each in filters.cases if _WILD.search(each)]
    return {
        key
        for key, name in names.cases.items()
        if not whole or name in whole or any(fnmatchcase(name, glob) for glob in globs)
    }


def machines_named(text: str, names: Names) -> set[int]:
    """Ids of the machines of that name or fingerprint, and of all that count as the same."""
    meant = {each.counts_as for each in names.machines.values() if _is_called(each, text)}
    return {key for key, each in names.machines.items() if each.counts_as in meant}


def images_named(text: str, names: Names) -> set[int]:
    """Ids of the images of that digest or tag."""
    return {key for key, each in names.images.items() if _is_image(each, text)}


def check(filters: Filters, names: Names) -> None:
    """Raises `UsageError` for a name that nothing stored has, and tells those that are near."""
    cases = names.cases.values()
    for glob in filters.cases:
        if not any(matches(name, (glob,)) for name in cases):
            raise _unknown("case matches", glob, cases)
    if filters.machine is not None and not machines_named(filters.machine, names):
        known = chain.from_iterable((x.name, x.fingerprint) for x in names.machines.values())
        raise _unknown("machine is named", filters.machine, known)
    if filters.image is not None and not images_named(filters.image, names):
        tags = (each.tag for each in names.images.values())
        raise _unknown("image is named", filters.image, tags)
    if filters.jax is not None and filters.jax not in names.jax.values():
        raise _unknown("run had JAX", filters.jax, (x for x in names.jax.values() if x))


def check_target(target: str, known: Collection[str]) -> None:
    """As `check`; told apart, because only runs know targets, and there are many."""
    if target not in known:
        raise _unknown("run is of target", target, known)


def _unknown(what: str, text: str, known: Iterable[str]) -> UsageError:
    import difflib  # takes as long to import as a small query to answer

    near = difflib.get_close_matches(text, sorted(set(known)), n=_NEAREST, cutoff=0.4)
    hint = f"; near are: {', '.join(near)}" if near else ""
    return UsageError(f"no stored {what} {text!r}{hint}")


def _launches(of_runs: list[Condition], jax: str | None, names: Names) -> Select[Any] | None:
    launch = LAUNCHES.alias("chosen")
    query = select(launch.c.id)
    if not of_runs and jax is None:
        return None
    if of_runs:
        query = query.join(RUNS, RUNS.c.id == launch.c.run_id).where(*of_runs)
    if jax is not None:
        environments = {key for key, version in names.jax.items() if version == jax}
        query = query.where(among(launch.c.environment_id, environments))
    return query


def _is_called(machine: MachineName, text: str) -> bool:
    return bool(text) and (machine.name == text or machine.fingerprint.startswith(text))


def _is_image(image: ImageName, text: str) -> bool:
    by_digest = image.digest.startswith(text) or image.digest.partition(":")[2].startswith(text)
    return bool(text) and (by_digest or matches(image.tag, (text,)))
