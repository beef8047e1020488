"""Which measurements are asked for: the options that `jaxrig history` and `query` share."""

import argparse
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from harness.cli.words import tag, tags, when
from harness.moments import moment

if TYPE_CHECKING:
    from harness.store.filters import Filters


def add_filters(parser: argparse.ArgumentParser) -> None:
    add, began = parser.add_argument, partial(when, moment)
    add("--target", help="only runs of it")
    add("--machine", metavar="NAME", help="a host name, or the beginning of a fingerprint")
    add("--image", metavar="NAME", help="the beginning of a digest, or a glob of tags")
    add("--jax", metavar="VERSION", help="only launches with it")
    add("--commit", metavar="SHA", help="the beginning of the commit where jaxrig was called")
    add("--tag", action="append", default=[], metavar="K=V", type=tag, help="repeats: all of them")
    add("--suite", metavar="NAME", help="only runs of it")
    add("--isolation", choices=("container", "process", "imported"), help="only runs measured so")
    add(
        "--since",
        type=began,
        metavar="WHEN",
        help="runs that began then or later: 30d (ago), 2026-01-31, 2026-01-31T10:00Z",
    )
    add("--until", type=began, metavar="WHEN", help="runs that began before")


def filters_of(arguments: argparse.Namespace, cases: Collection[str]) -> "Filters":
    from harness.store.filters import Filters

    return Filters(
        cases=cases,
        target=arguments.target,
        machine=arguments.machine,
        image=arguments.image,
        jax=arguments.jax,
        commit=arguments.commit,
        tags=tags(arguments.tag),
        suite=arguments.suite,
        isolation=arguments.isolation,
        since=arguments.since,
        until=arguments.until,
    )
