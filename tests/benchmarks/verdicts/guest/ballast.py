"""Real work on top of a case, so that a call takes a known share longer.

A case that is bound by bandwidth computes its first rows once more, within the same program. The
others run through an empty loop after each call: another product, however small, costs 50 µs and
more on CPU to hand out to its threads, where 2 % may be a tenth of a microsecond.

Images of `images.py` hold this module beside `amounts.json`, and a share in `BALLAST`.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import jax

from tests.benchmarks.verdicts import SHARE_VARIABLE
from workloads.case import Case
from workloads.prepare import Called, Compiled
from workloads.problem import Activity, Problem

AMOUNTS = Path(__file__).with_name("amounts.json")
"""{share: {case: amount}}, as calibrated; shares as text, since they are keys."""

ROWS = {"activation/relu/64MiB/f32": 1, "memory/triad/64MiB/f32": 2}
"""Of how many of the arguments the first rows are taken: the amount. Of cases that are not here it
is turns of a loop."""

Round = Callable[[int], None]
Prepare = Callable[[Case, Problem | Activity], Compiled | Called]


def amounts(share: str) -> Mapping[str, int]:
    """By case; none for no share at all."""
    found: dict[str, int] = {} if float(share) == 0 else json.loads(AMOUNTS.read_text())[share]
    return found


def slowed(prepare: Prepare) -> Prepare:
    """`prepare`, whose cases have the ballast of the environment's share."""

    def prepare_slowed(case: Case, problem: Problem | Activity) -> Compiled | Called:
        amount = amounts(os.environ.get(SHARE_VARIABLE, "0")).get(case.id, 0)
        return loaded(prepare, case, problem, amount) if amount else prepare(case, problem)

    return prepare_slowed


def loaded(
    prepare: Prepare, case: Case, problem: Problem | Activity, amount: int
) -> Compiled | Called:
    """`case` with so much ballast."""
    if case.id in ROWS:
        assert isinstance(problem, Problem)
        return prepare(case, rows_again(problem, ROWS[case.id], amount))
    prepared = prepare(case, problem)
    with_turns = round_with_turns(prepared, amount)
    prepared.round = with_turns  # type: ignore[method-assign,assignment]
    return prepared


def rows_again(problem: Problem, taken: int, amount: int) -> Problem:
    """`problem`, which computes the first `amount` rows of its first `taken` arguments twice. The
    barrier keeps the compiler from seeing that they are there already."""
    function = problem.function

    def twice(*arguments: jax.Array) -> jax.Array:
        both = (function(*arguments), *arguments)
        output, *again = jax.lax.optimization_barrier(both)  # type: ignore[no-untyped-call]
        more = function(*(each[:amount] for each in again[:taken]), *again[taken:])
        return jax.lax.dynamic_update_slice_in_dim(output, more, 0, 0)

    return replace(problem, function=twice)


def round_with_turns(prepared: Compiled | Called, amount: int) -> Round:
    """Rounds of `prepared` with so many turns of an empty loop after every call."""

    def turns() -> None:
        for _ in range(amount):
            pass

    def of_compiled(calls: int) -> None:
        assert isinstance(prepared, Compiled)
        executable, arguments, carry = prepared.executable, prepared.arguments, prepared.carry
        for _ in range(calls):
            carry = executable(carry, *arguments)
            jax.block_until_ready(carry)  # type: ignore[no-untyped-call]
            turns()
        prepared.carry = carry

    def of_called(calls: int) -> None:
        assert isinstance(prepared, Called)
        call = prepared.activity.call
        for _ in range(calls):
            call()
            turns()

    return of_compiled if isinstance(prepared, Compiled) else of_called
