"""What is said of two sides, from the turns that they took."""

import re
from dataclasses import replace

import pytest

from harness.ab import BY_TESTS, OTHER_CODE, REFUTED, Ab, overall, within
from harness.config import DEFAULT_FLOOR
from harness.errors import UsageError
from harness.runner.pairs import Turned
from harness.stats.judge import Rule

A, B, C = "matmul/256/f32", "matmul/512/f32", "matmul/1024/f32"
RULE = Rule()


def turned(case: str, pairs: int, ratio: float, *, base_s: float = 0.5) -> list[Turned]:
    """Pairs that hardly differ, their rounds neither."""
    return [
        Turned(
            case=case,
            pair=pair,
            base_s=(base_s, 2 * base_s, base_s),  # a hiccup that the other side shared
            candidate_s=tuple(
                base * ratio * (1.001 if pair % 2 else 1.0) for base in (base_s, 2 * base_s, base_s)
            ),
        )
        for pair in range(pairs)
    ]


def ab(*cases: str) -> Ab:
    return Ab(cases=cases, floors=dict.fromkeys(cases, DEFAULT_FLOOR), rule=RULE)


def test_cases_are_open_until_they_are_decided() -> None:
    three = ab(A, B, C)
    assert three.open_cases([]) == (A, B, C)
    found = [*turned(A, 4, 1.0), *turned(B, 4, 1.1), *turned(C, 3, 1.0)]
    assert three.open_cases(found) == (B, C)
    found = [*turned(A, 4, 1.0), *turned(B, 7, 1.1), *turned(C, 4, 0.9)]
    assert three.open_cases(found) == (C,)
    found = [*turned(A, 4, 1.0), *turned(B, 7, 1.1), *turned(C, 7, 0.9)]
    assert three.open_cases(found) == ()


def test_what_was_found_is_told_in_the_case_s_own_unit() -> None:
    slower, same, missing = ab(A, B, C).results([*turned(A, 7, 1.1), *turned(B, 4, 1.0)])
    assert (slower.case, slower.verdict, slower.pairs, slower.base) == (A, "slower", 7, 0.5)
    assert slower.ratio == pytest.approx(1.1, rel=1e-3)
    assert slower.effect == pytest.approx(0.05, rel=0.01)
    assert slower.low is not None
    assert slower.high is not None
    assert 1 < slower.low < slower.high
    assert (same.verdict, same.remarks) == ("same", ())
    assert (missing.verdict, missing.pairs) == ("unclear", 0)
    assert (missing.ratio, missing.low, missing.base, missing.effect) == (None,) * 4
    assert missing.remarks == ("0 launch pair(s): no interval",)


def test_what_is_not_confirmed_is_said_to_have_been_so_once() -> None:
    pairs = [*turned(A, 4, 1.1), *turned(A, 16, 1.0)[4:]]
    (found,) = ab(A).results(pairs)
    assert found.verdict == "unclear"
    assert found.remarks == (REFUTED,)


def test_what_is_unclear_says_how_many_pairs_would_decide_it() -> None:
    ratios = (1.0, 1.08, 0.98, 1.1)
    pairs = [replace(turned(A, 1, ratio)[0], pair=pair) for pair, ratio in enumerate(ratios)]
    (found,) = ab(A).results(pairs)
    assert found.verdict == "unclear"
    (remark,) = found.remarks
    assert re.fullmatch(r"some \d+ pairs would decide it \(--max-pairs\)", remark)
    hopeless = [replace(each, candidate_s=(0.51,) * 3, base_s=(0.5,) * 3) for each in pairs[:2]]
    hopeless += [replace(each, base_s=(0.5,) * 3, candidate_s=(0.509,) * 3) for each in pairs[2:]]
    (found,) = Ab(cases=(A,), floors={A: 0.0190001}, rule=RULE).results(hopeless)
    assert found.remarks == ("more than 1000 pairs would decide it: the change lies at the floor",)


def test_tests_that_alternate_are_compared_by_their_medians() -> None:
    """Theirs are no turns: they may even have other numbers of rounds."""
    pairs = [
        Turned(
            case=A,
            pair=pair,
            base_s=(1.0, 9.0, 1.0),
            candidate_s=(1.1, 1.1 + 0.001 * pair),
            by_rounds=False,
        )
        for pair in range(7)
    ]
    (found,) = ab(A).results(pairs)
    assert (found.verdict, found.base) == ("slower", 1.0)
    assert found.remarks == (BY_TESTS,)


def test_a_case_has_its_own_floor() -> None:
    pairs = turned(A, 7, 1.05)
    assert ab(A).results(pairs)[0].verdict == "slower"
    tolerant = Ab(cases=(A,), floors={A: 0.08}, rule=RULE)
    assert tolerant.results(pairs)[0].verdict == "same"


def told_once(pairs: int, ratio: float, metric: str = "memory") -> list[Turned]:
    """Pairs of equal times, and of so much memory."""
    return [
        replace(each, once={metric: (2.0**28, 2.0**28 * ratio * (1 + 1e-4 * (each.pair % 2)))})
        for each in turned(A, pairs, 1.0)
    ]


def test_memory_and_compile_time_are_judged_likewise() -> None:
    time, memory = ab(A).results(told_once(7, 1.2))
    assert (time.verdict, memory.verdict) == ("same", "slower")
    assert (memory.metric, memory.unit, memory.base) == ("memory", "bytes", 2.0**28)
    assert memory.effect == pytest.approx(0.2 * 2.0**28, rel=1e-2)
    assert overall((time, memory)) == "slower"
    _, compiling = ab(A).results(told_once(7, 1.09, "compile_time"))
    assert (compiling.metric, compiling.unit, compiling.verdict) == ("compile_time", "s", "same")


def test_pairs_go_on_to_confirm_them_but_not_to_decide_them() -> None:
    assert ab(A).open_cases(told_once(4, 1.2)) == (A,)
    assert ab(A).open_cases(told_once(7, 1.2)) == ()
    undecided = [
        replace(each, once={"memory": (1.0, 1.0 + 0.5 * (each.pair % 2))})
        for each in turned(A, 4, 1.0)
    ]
    assert ab(A).results(undecided)[1].verdict == "unclear"
    assert ab(A).open_cases(undecided) == ()


def test_another_program_is_named() -> None:
    pairs = turned(A, 4, 1.0)
    for same, remarks in ((None, ()), (True, ()), (False, (OTHER_CODE,))):
        found = ab(A).results([*pairs[:3], replace(pairs[3], same_code=same)])
        assert found[0].remarks == remarks


def test_turns_are_taken_in_the_order_of_their_pairs() -> None:
    pairs = [*turned(A, 4, 1.1), *turned(A, 16, 1.0)[4:]]
    assert ab(A).results(pairs[::-1]) == ab(A).results(pairs)


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ((1.0, 1.0), "same"),
        ((1.0, 0.9), "faster"),
        ((1.1, 0.9), "slower"),
        ((0.9, None), "unclear"),
        ((1.1, None), "slower"),
        ((), "unclear"),
    ],
)
def test_one_word_for_all(ratios: tuple[float | None, ...], expected: str) -> None:
    cases = (A, B)[: len(ratios)]
    found = [
        each
        for case, ratio in zip(cases, ratios, strict=True)
        if ratio is not None
        for each in turned(case, 7, ratio)
    ]
    assert overall(ab(*cases).results(found)) == expected


@pytest.mark.parametrize(
    ("pairs", "looks", "confirming"),
    [
        (100, (*RULE.looks, 27, 36, 48, 64, 86, 88), (3, 5, 8, 12)),
        (32, RULE.looks, RULE.confirming),
        (31, (*RULE.looks, 28), (3,)),
        (12, (4, 6, 8, 9), (3,)),
        (40, (*RULE.looks, 27, 28), (3, 5, 8, 12)),
        (5, (2,), (3,)),
    ],
)
def test_a_budget_holds_the_confirmation_too(
    pairs: int, looks: tuple[int, ...], confirming: tuple[int, ...]
) -> None:
    rule = within(RULE, pairs)
    assert (rule.looks, rule.confirming) == (looks, confirming)
    assert rule.most_pairs <= pairs


def test_a_budget_that_decides_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="--max-pairs 4 decides nothing: it takes 5"):
        within(RULE, 4)
