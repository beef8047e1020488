"""Every case there is, in order. Pure data: importing this never imports JAX or NumPy.

A module for each workload holds its cases, their cost by formula and their tolerances, with the
reasons. A case belongs to suites; `select` narrows by suite and by globs over case ids.

Conventions, for every formula here:

- A multiply-add is two FLOP; add, multiply, divide, compare, negate, square root and every
  transcendental (exp, tanh, sin) are one each, as in XLA's HloCostAnalysis with its
  transcendentals added.
- Bytes are compulsory traffic: each input read once, each output written once, nothing
  between (Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009).
- Both are what the mathematics needs, not what one compiler's program does.

Tolerances bound `workloads.numerics.error`. A wrong factor, which they would let pass in bf16,
is `workloads.numerics.SCALE_TOLERANCE`'s.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from workloads.case import CEILINGS, ITEMSIZE_BYTES, SUITES, Case, Cost, Work
from workloads.catalog import (
    activation,
    capacity,
    chain,
    collective,
    convolution,
    dense,
    dispatch,
    link,
    matmul,
    memory,
    mlp,
    recommender,
    storage,
    transformer,
    vision,
)

__all__ = [
    "CASES",
    "CEILINGS",
    "ITEMSIZE_BYTES",
    "SUITES",
    "Case",
    "Cost",
    "UnknownCase",
    "UnknownSuite",
    "Work",
    "find",
    "select",
]

CASES: tuple[Case, ...] = (
    *matmul.CASES,
    *chain.CASES,
    *activation.CASES,
    *dense.CASES,
    *convolution.CASES,
    *mlp.CASES,
    *transformer.CASES,
    *vision.CASES,
    *recommender.CASES,
    *memory.CASES,
    *capacity.CASES,
    *dispatch.CASES,
    *link.CASES,
    *storage.CASES,
    *collective.CASES,
)


class UnknownCase(LookupError):
    """No case has this id."""


class UnknownSuite(LookupError):
    """No suite has this name."""


def find(case_id: str) -> Case:
    """The case with exactly this id. Raises `UnknownCase`."""
    for case in CASES:
        if case.id == case_id:
            return case
    raise UnknownCase(f"unknown case {case_id!r}: see `jaxrig cases`")


def select(globs: Iterable[str] = (), suite: str | None = None) -> tuple[Case, ...]:
    """Cases of `suite` (None: of any) whose id matches one of `globs` (none given: all).

    Globs are matched as `fnmatch.fnmatchcase` does: `*` also crosses `/`. The order is the
    catalogue's. Raises `UnknownSuite`; no match at all is an empty tuple.
    """
    if suite is not None and suite not in SUITES:
        raise UnknownSuite(f"unknown suite {suite!r}: there are {', '.join(SUITES)}")
    patterns = tuple(globs) or ("*",)
    return tuple(
        case
        for case in CASES
        if (suite is None or suite in case.suites)
        and any(fnmatchcase(case.id, pattern) for pattern in patterns)
    )
