"""Cpuset lists."""

import pytest

from containers.spec import parse_cpuset


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0", (0,)),
        ("0-2,5", (0, 1, 2, 5)),
        ("5, 1-2 ,1", (1, 2, 5)),
        ("10-10", (10,)),
    ],
)
def test_a_list_names_its_cpus_in_order_and_once(text: str, cpus: tuple[int, ...]) -> None:
    assert parse_cpuset(text) == cpus


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-1", "1,,2"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_cpuset(text)
