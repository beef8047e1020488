"""Which measurements belong together."""

from statistics import median

from harness.store.columns import order, taken
from harness.store.groups import grouped


def test_equal_keys_are_a_group_in_the_order_of_keys() -> None:
    groups = grouped([7, 2, 7, 5, 7])
    assert groups.first("abcde") == ["b", "d", "a"]
    assert groups.sizes() == [1, 1, 3]
    assert groups.over([9.0, 2.0, 1.0, None, None], median) == [2.0, None, 5.0]


def test_of_nothing_there_are_no_groups() -> None:
    groups = grouped([])
    assert (groups.first([]), groups.sizes(), groups.over([], median)) == ([], [], [])


def test_single_launches_stay_as_they_are() -> None:
    assert grouped([3, 1]).over([0.5, None], median) == [None, 0.5]


def test_what_is_unknown_comes_last_either_way() -> None:
    values = [2.0, None, 10.0, 1.0]
    assert order(values) == [3, 0, 2, 1]
    assert order(values, descending=True) == [2, 0, 3, 1]
    assert taken({"x": values}, [3, 1]) == {"x": [1.0, None]}


def test_equal_values_stay_in_their_order_either_way() -> None:
    assert order([1, 0, 1, 0], descending=True) == [0, 2, 1, 3]
