"""Names of what has no place: each once, in order, and never without an end."""

from harness.exchange.unmapped import Unmapped


def test_each_name_is_told_once_in_the_order_met() -> None:
    unmapped = Unmapped()
    unmapped.add("b")
    unmapped.add("a", "why")
    unmapped.add("b")
    assert unmapped.names == ("b", "a: why")


def test_what_says_nothing_is_not_named() -> None:
    unmapped = Unmapped()
    unmapped.extras("top", {"x": 0, "y": None, "z": [], "w": "", "v": False, "u": 1}, but={"u"})
    assert unmapped.names == ("top.v", "top.x")


def test_countless_names_come_to_an_end() -> None:
    unmapped = Unmapped()
    for number in range(1000):
        unmapped.add(f"{number}" * 200)
    assert len(unmapped.names) == 501
    assert unmapped.names[-1] == "… and 500 more"
    assert max(map(len, unmapped.names)) == 200
