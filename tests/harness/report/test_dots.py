"""Series on a terminal."""

from collections.abc import Sequence

import pytest

from harness.changes import Point, Series
from harness.report.dots import ROWS, legend_lines, plot_lines
from harness.stats.changepoints import levels
from tests.harness.test_changes import BESIDE, WHERE

STEP = [1.0, 1.01] * 10 + [2.0, 2.02] * 10


def series(values: Sequence[float], unit: str = "s") -> Series:
    points = [
        Point(run="r", started_at=f"2026-01-{place:02d} 02:00:00.5", value=value, beside=BESIDE)
        for place, value in enumerate(values, start=1)
    ]
    return Series(where=WHERE, unit=unit, points=points, levels=levels(values))


def plot(values: Sequence[float], width: int = 40, *, braille: bool = True) -> list[str]:
    found = series(values)
    names = "ABCDEFG"[: len(found.levels.changes)]
    return plot_lines(found, names, width, braille=braille)


def test_a_step_is_two_lines_and_a_letter() -> None:
    title, letters, *rows, bottom, times = plot(STEP)
    assert title == "c on node (m), cpu"
    assert len(rows) == ROWS
    assert letters.index("A") == rows[0].index("│") + 1 + int(20 / 39 * 31)
    assert rows[0].startswith("2.02 s │")
    assert rows[-1].startswith("1.00 s │")
    assert [bool(row.partition("│")[2].strip()) for row in rows] == [True, *[False] * 6, True]
    assert bottom.strip() == "└" + "─" * 31
    assert times.split() == ["2026-01-01", "2026-01-40"]
    assert plot(STEP, 80)[-1].split() == ["2026-01-01", "02:00", "2026-01-40", "02:00"]
    halves = [row.partition("│")[2].ljust(31) for row in (rows[0], rows[-1])]
    assert not halves[0][:15].strip()
    assert not halves[1][17:].strip()
    assert all(character != " " for character in (*halves[0][17:], *halves[1][:15]))


@pytest.mark.parametrize("width", [30, 80, 200])
@pytest.mark.parametrize("braille", [True, False])
def test_it_fits(width: int, braille: bool) -> None:
    for values in (STEP, [1e-6], [1.0, 2.0], [1.0] * 500, [3e-5 * x for x in range(1, 400)]):
        lines = plot(values, width, braille=braille)
        assert max(map(len, lines)) <= max(width, len(lines[0]))
        assert len(lines) in (ROWS + 3, ROWS + 4)


def test_without_braille_it_is_ascii() -> None:
    text = "\n".join(plot(STEP, braille=False))
    assert text.isascii()
    assert sum(text.count(dot) for dot in "'.:") > 30


def test_the_first_and_the_last_point_are_at_the_ends() -> None:
    _, *rows, _, _ = plot([1.0, 2.0])
    across = len(rows[0].partition("│")[2])
    assert across == 31
    drawn = [row.partition("│")[2].ljust(across) for row in rows]
    assert any(row[0] != " " for row in drawn)
    assert drawn[0][-1] != " "


def test_a_bad_night_is_at_the_edge_and_counted() -> None:
    bad = [*STEP[:5], 50.0, *STEP[6:]]
    title, _, top, *_ = plot(bad)
    assert title.endswith("; 1 point(s) beyond, at the edge")
    assert float(top.split(" s")[0]) < 3
    assert "beyond" not in plot(STEP)[0]


def test_a_level_without_a_change_has_no_line_of_letters() -> None:
    assert len(plot([1.0, 1.01] * 10)) == len(plot(STEP)) - 1


def test_names_without_room_are_left_out() -> None:
    found = series([1.0] * 200 + [2.0] * 5 + [3.0] * 200)
    assert len(found.levels.changes) == 2
    letters = [plot_lines(found, names, 30, braille=True)[1] for names in ("AB", ("AA", "AB"))]
    assert [line.strip() for line in letters] == ["AB", "AA"]


def test_changes_are_told_below() -> None:
    (line,) = legend_lines(series(STEP), "A")
    assert line.startswith("A: since 2026-01-21 02:00 1.00 s → 2.01 s, 2.000 (1.9")
    (line,) = legend_lines(series(STEP[:28], unit="ratio"), "A")
    assert "1.005 → 2.000" in line
    assert line.endswith(", provisional")
