"""Series of points, from columns as the store gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.changes import series_of_nights, series_of_runs

WHERE = {
    "case": "c",
    "machine": "m",
    "machine_name": "node",
    "target": "cpu",
    "isolation": "container",
}
BESIDE = {"image": "i", "jax": "0.10", "git_commit": "a", "suite": "quick"}


def columns(*rows: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
    every = [{**WHERE, **BESIDE, "started_at": "2026-01-01 00:00:00", **row} for row in rows]
    return {name: [row[name] for row in every] for name in every[0]}


def floor(case: str) -> float:
    assert case == "c"
    return 0.02


def test_a_change_is_between_two_runs() -> None:
    rows = [
        {"run": f"r{place}", "median_s": 1.0 if place < 12 else 2.0, "jax": f"0.{place // 12}"}
        for place in range(24)
    ]
    (series,) = series_of_runs(columns(*rows), floor)
    (found,) = series.changed()
    assert (found.last.run, found.first.run, found.unit) == ("r11", "r12", "s")
    assert (found.before, found.after, found.ratio) == pytest.approx((1.0, 2.0, 2.0))
    assert found.differs == {"jax": ("0.0", "0.1")}


def test_series_that_take_turns_are_told_apart() -> None:
    """Of plain processes and of containers, which `read_series` does not sort by."""
    rows = [
        {
            "run": f"r{place}",
            "median_s": 1.0 + place % 2,
            "isolation": ("container", "process")[place % 2],
        }
        for place in range(40)
    ]
    found = list(series_of_runs(columns(*rows), floor))
    assert [each.where["isolation"] for each in found] == ["container", "process"]
    assert [len(each.points) for each in found] == [20, 20]
    assert not any(list(each.changed()) for each in found)


def night(
    place: int, ratio: float, anchor: int, bridge: int | None, epoch: int = 1
) -> dict[str, Any]:
    return {
        "run": f"r{place}",
        "ratio": ratio,
        "anchor": anchor,
        "bridge": bridge,
        "epoch": epoch,
        "pairing": place,
    }


def test_a_bridge_ties_the_nights_of_two_anchors() -> None:
    """The new anchor takes half as much again as the old one, as was measured in night 12; nothing
    has changed."""
    before = [night(place, 1.5, anchor=1, bridge=None) for place in range(13)]
    after = [night(place, 1.0, anchor=2, bridge=12) for place in range(13, 26)]
    (series,) = series_of_nights(columns(*before, *after), floor)
    assert [each.value for each in series.points] == pytest.approx([1.0] * 26)
    assert list(series.changed()) == []


def test_bridges_add_up() -> None:
    rows = [
        *(night(place, 1.5, anchor=1, bridge=None) for place in range(2)),
        *(night(place, 2.0, anchor=2, bridge=1) for place in (2, 3)),
        *(night(place, 1.0, anchor=3, bridge=3) for place in (4, 5)),
    ]
    (series,) = series_of_nights(columns(*rows), floor)
    assert [each.value for each in series.points] == pytest.approx(
        [1.5 / 1.5 / 2.0] * 2 + [1.0] * 2 + [1.0] * 2
    )


def test_nights_without_a_bridge_are_left_out() -> None:
    """That of this case was not measured."""
    rows = [
        *(night(place, 1.5, anchor=1, bridge=None) for place in range(3)),
        *(night(place, 1.0, anchor=2, bridge=99) for place in range(3, 6)),
    ]
    (series,) = series_of_nights(columns(*rows), floor)
    assert [each.run for each in series.points] == ["r3", "r4", "r5"]


def test_an_epoch_is_a_series_of_its_own() -> None:
    rows = [
        *(night(place, 1.5, anchor=1, bridge=None) for place in range(20)),
        *(night(place, 1.0, anchor=2, bridge=None, epoch=2) for place in range(20, 40)),
    ]
    found = list(series_of_nights(columns(*rows), floor))
    assert [len(each.points) for each in found] == [20, 20]
    assert not any(list(each.changed()) for each in found)
