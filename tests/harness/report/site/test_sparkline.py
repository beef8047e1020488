"""A series as a small line."""

from xml.etree import ElementTree

from harness.report.site.sparkline import EDGE, HEIGHT, MOST, WIDTH, sparkline


def drawn(values: list[float]) -> list[tuple[float, float]]:
    root = ElementTree.fromstring(sparkline(values))  # noqa: S314 (our own)
    line = root.find("polyline")
    assert line is not None
    return [
        (float(x), float(y))
        for x, _, y in (p.partition(",") for p in line.attrib["points"].split())
    ]


def test_larger_is_higher() -> None:
    assert drawn([1.0, 3.0, 2.0]) == [
        (EDGE, HEIGHT - EDGE),
        (WIDTH / 2, EDGE),
        (WIDTH - EDGE, HEIGHT / 2),
    ]


def test_what_never_changes_lies_in_the_middle() -> None:
    assert {y for _, y in drawn([2.0, 2.0, 2.0])} == {HEIGHT / 2}


def test_many_are_thinned() -> None:
    points = drawn([float(value) for value in range(1000)])
    assert len(points) == MOST
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


def test_a_change_is_marked_where_it_is() -> None:
    root = ElementTree.fromstring(sparkline([1.0, 1.0, 2.0], [2]))  # noqa: S314 (our own)
    (mark,) = root.findall("path")
    assert mark.attrib["d"] == f"M{WIDTH - EDGE:.0f} 0v{HEIGHT}"


def test_one_point_is_no_line() -> None:
    assert sparkline([1.0]) == ""
