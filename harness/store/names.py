"""The small tables that measurements refer to by number: what the numbers stand for."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from harness.store.tables import CASES, ENVIRONMENTS, IMAGES, MACHINE_ROOTS, MACHINES


@dataclass(frozen=True, kw_only=True)
class MachineName:
    """Its own fingerprint and host name; `counts_as` is the fingerprint of the machine that it is
    linked to in the end, its own where it is linked to none."""

    fingerprint: str
    name: str
    counts_as: str


@dataclass(frozen=True, kw_only=True)
class ImageName:
    """What an image is known by."""

    digest: str
    tag: str


@dataclass(frozen=True, kw_only=True)
class Names:
    """By the ids of their rows. `jax`: the version that an environment told, if any."""

    cases: Mapping[int, str]
    machines: Mapping[int, MachineName]
    images: Mapping[int, ImageName]
    jax: Mapping[int, str | None]


def read_names(connection: Connection) -> Names:
    """All of them: there are few, however many measurements there are."""
    own, root = MACHINES.alias("own"), MACHINES.alias("root")
    machines = (
        select(own.c.id, own.c.fingerprint, own.c.name, root.c.fingerprint.label("counts_as"))
        .join(MACHINE_ROOTS, MACHINE_ROOTS.c.machine_id == own.c.id)
        .join(root, root.c.id == MACHINE_ROOTS.c.root_id)
    )
    jax = select(ENVIRONMENTS.c.id, ENVIRONMENTS.c.facts["jax"].as_string())
    return Names(
        cases={row[0]: row[1] for row in connection.execute(select(CASES.c.id, CASES.c.name))},
        machines={
            row.id: MachineName(fingerprint=row.fingerprint, name=row.name, counts_as=row.counts_as)
            for row in connection.execute(machines)
        },
        images={
            row.id: ImageName(digest=row.digest, tag=row.tag)
            for row in connection.execute(select(IMAGES))
        },
        jax={row[0]: row[1] for row in connection.execute(jax)},
    )
