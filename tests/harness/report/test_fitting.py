"""Tables that fit a terminal."""

import pytest

from harness.report.fitting import NARROWEST, USUAL, Fitting, fitted, folded, wrapped
from harness.report.view import View, render

HEADERS = ("case", "verdict", "ratio", "base", "candidate")
FITTING = Fitting(names=0, essential=3)
LONG = "convolution/64x56x56x64-1x1s1-256/input-gradient/bf16"


def row(name: str) -> tuple[str, ...]:
    return (name, "slower", "1.234", "12.3 ms", "15.2 ms")


def columns(name: str, width: int) -> list[str]:
    return list(fitted(HEADERS, [row(name)], FITTING, width).headers)


def test_columns_go_from_the_right_and_are_told() -> None:
    assert columns("matmul/2048/f32", 51) == list(HEADERS)
    assert columns("matmul/2048/f32", 50) == ["case", "verdict", "ratio", "base"]
    found = fitted(HEADERS, [row("matmul/2048/f32")], FITTING, 40)
    assert found.headers == ["case", "verdict", "ratio", "base"]
    assert fitted(HEADERS, [row("matmul/2048/f32")], FITTING, 39).headers == found.headers[:3]
    assert found.left_out == ("candidate",)
    assert found.rows == [["matmul/2048/f32", "slower", "1.234", "12.3 ms"]]


def test_what_is_essential_stays_and_names_are_folded() -> None:
    found = fitted(HEADERS, [row(LONG)], FITTING, 50)
    assert found.headers == ["case", "verdict", "ratio"]
    lines = found.rows[0][0].split("\n")
    assert "".join(line.strip() for line in lines) == LONG
    assert max(map(len, lines)) <= 50 - len("  verdict  ratio")


def test_names_of_a_usual_length_are_not_folded_for_a_column() -> None:
    usual = "x" * USUAL
    assert [fitted(HEADERS, [row(usual)], FITTING, width).rows[0][0] for width in (52, 60)] == (
        [usual] * 2
    )
    assert "\n" in fitted(HEADERS, [row(LONG)], FITTING, 60).rows[0][0]


def test_names_of_any_length_leave_columns_the_room_that_usual_ones_do() -> None:
    room = USUAL + len("  verdict  ratio  12.3 ms  candidate")
    assert columns(LONG, room) == list(HEADERS)
    assert columns(LONG, room - 1) == list(HEADERS[:-1])


def test_columns_that_hold_nothing_go_and_are_not_missed() -> None:
    empty = ("matmul/2048/f32", "unclear", "", "", "1.00 s")
    found = fitted(HEADERS, [empty], FITTING, 80)
    assert found.headers == ["case", "verdict", "ratio", "candidate"]
    assert found.left_out == ()
    assert fitted(HEADERS, [], FITTING, 80).headers == list(HEADERS)


@pytest.mark.parametrize("width", range(NARROWEST, len(LONG) + 2))
@pytest.mark.parametrize("name", [LONG, LONG.replace("/", "-"), "/" * 60])
def test_a_folded_name_is_whole(name: str, width: int) -> None:
    lines = folded(name, width).split("\n")
    assert max(map(len, lines)) <= width
    assert lines[0] + "".join(line[2:] for line in lines[1:]) == name


def test_prose_is_wrapped_and_commands_are_not() -> None:
    command = "`jaxrig ab cpu mine --suite standard --case matmul/2048/f32`"
    text = f"what is unclear and would become clear in turns: {command}, or later"
    lines = wrapped(f"{text}\n  kept  as it is", 40).split("\n")
    assert any(command in line for line in lines)
    assert all(len(line) <= 40 or command in line for line in lines)
    assert " ".join(line.strip() for line in lines[:-1]) == text
    assert lines[-1] == "  kept  as it is"


def test_a_view_is_fitted_as_a_table_alone() -> None:
    view = View(
        document=None,
        records=(),
        headers=HEADERS,
        rows=[row(LONG), row("a")],
        preface=["slower: " + "x " * 60],
        fitting=FITTING,
    )
    table = render(view, "table", 60)
    assert max(map(len, table.splitlines())) <= 60
    assert table.endswith(
        "case                                verdict  ratio\n"
        "----------------------------------  -------  -----\n"
        "convolution/64x56x56x64-1x1s1-256/  slower   1.234\n"
        "  input-gradient/bf16\n"
        "a                                   slower   1.234\n"
        "\n"
        "no room for: base, candidate; see `--format json`\n"
    )
    wide = render(view, "table", 200)
    assert f"\n{LONG} " in wide
    assert "no room for" not in wide
    assert f"| {LONG} " in render(view, "md")
