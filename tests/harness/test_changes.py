"""Series of points, from columns as the store gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
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
    change = found.change
    assert (change.before, change.after, change.ratio) == pytest.approx((1.0, 2.0, 2.0))
    assert found.differs == {"jax": ("0.0", "0.1")}


def test_a_change_knows_the_runs_near_it_at_either_level() -> None:
    """Those beyond another change are at a third level."""
    values = [1.0] * 12 + [2.0] * 6 + [3.0] * 12
    rows = [{"run": f"r{place}", "median_s": value} for place, value in enumerate(values)]
    (series,) = series_of_runs(columns(*rows), floor)
    first, second = series.changed()
    names = [f"r{place}" for place in range(30)]
    assert (list(first.runs_before), list(first.runs_after)) == (names[2:12], names[12:18])
    assert (list(second.runs_before), list(second.runs_after)) == (names[12:18], names[18:28])


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


def night(place: int, ratio: float, anchor: int, **bridge: Any) -> dict[str, Any]:
    """`bridge`: of the anchor, `bridged_anchor` and `bridge_ratio`."""
    told = {"bridged_anchor": None, "bridge_ratio": None, **bridge}
    return {"run": f"r{place}", "ratio": ratio, "anchor": anchor, **told}


def test_a_bridge_ties_the_nights_of_two_anchors() -> None:
    """The new anchor takes half as much again as the old one; nothing has changed."""
    before = [night(place, 1.5, 1) for place in range(13)]
    tied = {"bridged_anchor": 1, "bridge_ratio": 1.5}
    after = [night(place, 1.0, 2, **tied) for place in range(13, 26)]
    (series,) = series_of_nights(columns(*before, *after), floor)
    assert [each.value for each in series.points] == pytest.approx([1.0] * 26)
    assert list(series.changed()) == []


def test_bridges_add_up() -> None:
    second = {"bridged_anchor": 1, "bridge_ratio": 1.5}
    third = {"bridged_anchor": 2, "bridge_ratio": 2.0}
    rows = [
        *(night(place, 3.0, 1) for place in range(2)),
        *(night(place, 2.0, 2, **second) for place in (2, 3)),
        *(night(place, 1.0, 3, **third) for place in (4, 5)),
    ]
    (series,) = series_of_nights(columns(*rows), floor)
    assert [each.value for each in series.points] == pytest.approx([1.0] * 6)


def test_a_bridge_is_as_uncertain_as_a_night() -> None:
    """With nothing changed, a bridge that was a bad night makes no change of all nights before."""
    noise = np.exp(0.02 * np.random.default_rng(1).standard_normal(80))
    tied = {"bridged_anchor": 1, "bridge_ratio": 1.04}
    rows = [
        *(night(place, noise[place], 1) for place in range(40)),
        *(night(place, noise[place], 2, **tied) for place in range(40, 80)),
    ]
    (series,) = series_of_nights(columns(*rows), floor)
    assert list(series.changed()) == []
    step = [row | {"anchor": 1, "ratio": row["ratio"] * (1.04 if place > 39 else 1.0)}
            for place, row in enumerate(rows)]  # fmt: skip
    (series,) = series_of_nights(columns(*step), floor)
    assert len(list(series.changed())) == 1


def test_anchors_of_another_database_that_lie_between_are_not_tied() -> None:
    """Merged: the second was pinned by somebody else, and the third was measured with the first."""
    tied = {"bridged_anchor": 1, "bridge_ratio": 2.0}
    rows = [
        *(night(place, 2.0, 1) for place in range(3)),
        *(night(place, 7.0, 2) for place in range(3, 6)),
        *(night(place, 1.0, 3, **tied) for place in range(6, 9)),
    ]
    found = list(series_of_nights(columns(*rows), floor))
    assert [[each.run for each in series.points] for series in found] == [
        ["r3", "r4", "r5"],
        ["r0", "r1", "r2", "r6", "r7", "r8"],
    ]
    assert [each.value for each in found[1].points] == pytest.approx([1.0] * 6)
    assert [each.value for each in found[0].points] == pytest.approx([7.0] * 3)


def test_a_bridge_over_an_anchor_without_a_night_ends_there() -> None:
    """What was asked for is of later nights."""
    tied = {"bridged_anchor": 1, "bridge_ratio": 2.0}
    rows = [night(place, 1.0, 2, **tied) for place in range(3)]
    (series,) = series_of_nights(columns(*rows), floor)
    assert len(series.points) == 3
