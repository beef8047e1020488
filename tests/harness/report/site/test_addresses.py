"""Where pages lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.site import addresses


def test_a_run_keeps_its_name() -> None:
    assert addresses.of_run("20261124-080032-8a62ad") == "run/20261124-080032-8a62ad.html"


@given(st.text(), st.text())
def test_no_two_cases_share_a_page(one: str, other: str) -> None:
    same = addresses.of_case(one) == addresses.of_case(other)
    assert same == (one.encode(errors="replace") == other.encode(errors="replace"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "x" * 300, "CON", "", "é\n<>&?#%"])
def test_a_page_lies_within_its_folder(name: str) -> None:
    for address in (addresses.of_case(name), addresses.of_run(name), addresses.data_of_run(name)):
        folder, _, file = address.partition("/")
        assert (folder, "/" in file) in {("case", False), ("run", False), ("data", False)}
        assert len(file) < 120
        assert file.isascii()
