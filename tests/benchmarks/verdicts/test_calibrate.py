import pytest

from tests.benchmarks.verdicts.calibrate import amount_for


def test_the_amount_lies_on_the_line_through_what_was_tried() -> None:
    tried = [(100, 0.02), (200, 0.03), (400, 0.05)]
    assert amount_for(0.1, tried) == 900


def test_what_lies_near_weighs_most() -> None:
    tried = [(1, 0.05), (300, 0.05), (500, 0.07), (10_000, 0.5)]
    assert 320 < amount_for(0.06, tried) < 480


def test_an_amount_is_at_least_one() -> None:
    assert amount_for(0.001, [(10, 0.02), (20, 0.03)]) == 1


def test_more_ballast_that_takes_less_is_an_error() -> None:
    with pytest.raises(ValueError, match="no slower"):
        amount_for(0.05, [(100, 0.05), (200, 0.04)])
