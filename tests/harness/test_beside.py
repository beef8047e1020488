"""What else was another with a change, from what is known of the runs beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.beside import LEAST, measured_beside, runs_beside, told_beside
from harness.changes import Changed, Louder, Point
from harness.roofline.ceilings import Hardware
from harness.stats.changepoints import Change
from harness.store.surroundings import Surroundings
from tests.harness.roofline.ideal import Ideal
from tests.harness.test_changes import BESIDE, WHERE

BEFORE, AFTER = ([f"{side}{place}" for place in range(8)] for side in "ba")
CHANGED = Changed(
    where=WHERE,
    unit="s",
    change=Change(at=8, before=1.0, after=2.0, ratio=2.0, low=1.9, high=2.1, provisional=False),
    last=Point(run="b7", started_at="2026-01-08 00:00:00", value=1.0, beside=BESIDE),
    first=Point(run="a0", started_at="2026-01-09 00:00:00", value=2.0, beside=BESIDE),
    differs={"image": ("i", "j")},
    runs_before=tuple(BEFORE),
    runs_after=tuple(AFTER),
)
NOTHING = Surroundings(software={}, shares={}, code={})


def told(ceilings: tuple[Hardware, Hardware] | None = None, **around: Any) -> Changed:
    (found,) = told_beside([CHANGED], replace(NOTHING, **around), lambda _: ceilings)
    return found


def test_only_what_is_beside_has_to_be_known() -> None:
    assert runs_beside([CHANGED]) == {*BEFORE, *AFTER}
    assert measured_beside([CHANGED]) == {("b7", "c"), ("a0", "c")}


def test_what_nothing_tells_is_unknown() -> None:
    assert told() == CHANGED
    assert (CHANGED.same_code, CHANGED.ceilings, CHANGED.noise) == (None, None, None)


def test_software_that_is_another_is_told() -> None:
    found = told(software={
        "b7": {"jaxlib": "0.10.1", "kernel": "6.1", "gpu_driver": "580"},
        "a0": {"jaxlib": "0.10.2", "kernel": "6.1"},
        "b6": {"kernel": "5.0"},
    })  # fmt: skip
    assert found.differs == {
        "image": ("i", "j"),
        "gpu_driver": ("580", None),
        "jaxlib": ("0.10.1", "0.10.2"),
    }


@pytest.mark.parametrize(
    ("before", "after", "differs", "same"),
    [
        ({"x"}, {"x"}, None, True),
        ({"x"}, {"y"}, ("x", "y"), False),
        ({"y", "x"}, {"x"}, ("x, y", "x"), False),  # launches that were compiled differently
        (None, {"x"}, (None, "x"), None),
        (None, None, None, None),
    ],
)
def test_compiled_code_is_the_same_or_another(
    before: set[str] | None, after: set[str] | None, differs: Any, same: bool | None
) -> None:
    known = {("b7", "c"): before, ("a0", "c"): after, ("b7", "d"): {"z"}}
    found = told(code={key: frozenset(code) for key, code in known.items() if code})
    assert (found.differs.get("hlo"), found.same_code) == (differs, same)


def test_ceilings_that_moved_are_told() -> None:
    hardware = Ideal().hardware()
    assert told((hardware, hardware)).ceilings == ()
    moved = told((hardware, Ideal(far_bytes_per_s=5e9).hardware())).ceilings
    assert moved is not None
    assert {(each.limit, each.what) for each in moved} == {
        ("bandwidth", "reads from memory"),
        ("bandwidth", "updates of memory"),
    }


def shares(before: Sequence[float], after: Sequence[float]) -> Mapping[str, Mapping[str, float]]:
    pairs = (*zip(BEFORE, before, strict=False), *zip(AFTER, after, strict=False))
    return {run: {"steal_share": share} for run, share in pairs}


QUIET = [0.001 * place for place in range(8)]


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (QUIET, [0.1 + each for each in QUIET], True),
        ([0.1 + each for each in QUIET], QUIET, True),
        (QUIET, [0.019 + each for each in QUIET], False),  # too little to matter
        (QUIET, [0.0] * 5 + [0.9] * 3, False),  # no more than it scatters
        ([0.0, 0.1, 0.2, 0.3] * 2, [0.1, 0.2, 0.3, 0.4] * 2, False),
    ],
)
def test_noise_that_moved_by_more_than_it_scatters_is_told(
    before: Sequence[float], after: Sequence[float], moved: bool
) -> None:
    found = told(shares=shares(before, after)).noise
    assert found is not None
    assert [each.share for each in found] == ["steal_share"] * moved


def test_noise_is_told_by_its_medians() -> None:
    (found,) = told(shares=shares(QUIET, [0.5] * 8)).noise or ()
    assert found == Louder(share="steal_share", before=0.0035, after=0.5)


def test_of_few_runs_that_tell_their_noise_nothing_is_said() -> None:
    enough, few = ([0.5] * count for count in (LEAST, LEAST - 1))
    assert told(shares=shares(enough, enough)).noise == ()
    assert told(shares=shares(enough, few)).noise is None
    assert told(shares=shares(few, enough)).noise is None
