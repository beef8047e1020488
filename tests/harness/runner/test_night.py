"""Which anchor a night has, and when a new one is pinned."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from containers.errors import EngineUnavailable, ImageUnavailable
from containers.images import Image
from containers.process_engine import ProcessEngine
from harness.errors import EnvironmentFailure, UsageError
from harness.machine import this_machine
from harness.plan import PairPlan, Plan
from harness.runner import night
from harness.runner.night import FIRST, find_anchor, measure_night
from harness.runner.overlap import Held
from harness.runner.pairs import Judge, PairsResult, Turned
from harness.runner.setup import Setup
from harness.store.nights import Anchor
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.harness.fakes import Watcher
from tests.harness.history import begin_run
from tests.harness.runner.bench import plan
from tests.harness.samples import A

TONIGHT = replace(plan(A), isolation="container")


@dataclass
class Images:
    """An engine with images: tonight's, and those that are left."""

    tonight: str = "sha256:new"
    left: set[str] = field(default_factory=set)
    fails: Exception | None = None
    answers: bool = True
    kept: list[str] = field(default_factory=list)

    def set_up(self, plan: Plan, _: Callable[[str], None]) -> Setup:
        if self.fails is not None:
            raise self.fails
        if plan.image is not None and plan.image not in self.left:
            raise ImageUnavailable(f"this engine holds no image {plan.image}")
        digest = plan.image or self.tonight
        return Setup(engine=ProcessEngine(ROOT), image=Image(digest=digest, tag="t"))

    def keep(self, image: Image) -> None:
        self.kept.append(image.digest)

    def held(self, _: Plan, __: Setup) -> Held:
        if not self.answers:
            raise EnvironmentFailure("it was made by another version")
        return Held(cases={A: "x"})


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Images:
    images = Images()
    monkeypatch.setattr(night, "set_up", images.set_up)
    monkeypatch.setattr(night, "held", images.held)
    monkeypatch.setattr(night, "keep", images.keep)
    return images


def known(url: str) -> list[Anchor]:
    with Reader(url) as reader:
        return reader.anchors(this_machine().fingerprint, "cpu")


def test_the_first_night_pins_its_image_and_the_next_finds_it(
    images: Images, store: Store, url: str
) -> None:
    said: list[str] = []
    first = find_anchor(TONIGHT, [], store, said.append)
    assert (first.image, first.epoch, first.new) == ("sha256:new", 1, FIRST)
    images.left, images.tonight = {"sha256:new"}, "sha256:newer"
    assert find_anchor(TONIGHT, known(url), store, said.append) == replace(first, new=None)
    assert said == []
    assert len(known(url)) == 1
    assert images.kept == ["sha256:new"]


@pytest.mark.parametrize("lost", ["removed", "another version"])
def test_an_anchor_that_cannot_be_measured_begins_a_new_epoch_aloud(
    images: Images, store: Store, url: str, lost: str
) -> None:
    find_anchor(TONIGHT, [], store, lambda _: None)
    images.tonight, images.answers = "sha256:newer", lost == "removed"
    images.left = set() if lost == "removed" else {"sha256:new"}
    said: list[str] = []
    second = find_anchor(TONIGHT, known(url), store, said.append)
    assert (second.image, second.epoch) == ("sha256:newer", 2)
    assert said[0].startswith("A NEW EPOCH (2): ")
    found = known(url)
    assert [(each.epoch, each.bridge) for each in found] == [(1, None), (2, None)]
    assert found[1].why in said[0]


def test_an_engine_that_is_away_is_no_new_epoch(images: Images, store: Store, url: str) -> None:
    find_anchor(TONIGHT, [], store, lambda _: None)
    images.fails = EngineUnavailable("no engine")
    with pytest.raises(EnvironmentFailure, match="no engine"):
        find_anchor(TONIGHT, known(url), store, lambda _: None)
    assert len(known(url)) == 1


def test_a_plain_process_has_nothing_to_pin(images: Images, store: Store) -> None:
    with pytest.raises(UsageError, match="a plain process has none"):
        find_anchor(plan(A), [], store, lambda _: None)


@pytest.mark.parametrize(
    ("pin", "same", "measured", "pinned"),
    [
        (True, False, True, True),
        (False, False, True, False),
        (True, True, True, False),  # it is the anchor already
        (True, False, False, False),  # nothing would tie it to the one before
    ],
)
def test_what_is_asked_for_is_pinned_over_a_bridge(
    monkeypatch: pytest.MonkeyPatch,
    images: Images,
    store: Store,
    url: str,
    pin: bool,
    same: bool,
    measured: bool,
    pinned: bool,
) -> None:
    anchor = find_anchor(TONIGHT, [], store, lambda _: None)
    runs = [begin_run(store)[0] for _ in range(2)]
    pairing = store.pair_runs(*runs, rounds=1, rule={}, anchor=anchor.id)
    images.tonight = "sha256:newer"
    turn = Turned(case=A, pair=0, base_s=(1.0,), candidate_s=(1.0,))
    result = PairsResult(
        base="a",
        candidate="b",
        pairing=pairing,
        cases=(A,),
        others={},
        turned=(turn,) if measured else (),
        failures=0,
        skipped={},
        same_image=same,
    )
    monkeypatch.setattr(night, "execute_pairs", lambda *_: result)
    pairs = PairPlan(base=TONIGHT, candidate=TONIGHT, rounds=1, anchor=anchor.id)
    assert measure_night(pairs, anchor, store, Watcher(), no_judge, pin=pin) == result
    found = [(each.image, each.epoch, each.bridge) for each in known(url)]
    expected = [("sha256:newer", 1, pairing)] if pinned else []
    assert found == [("sha256:new", 1, None), *expected]


def no_judge(_: tuple[str, ...]) -> Judge:
    raise AssertionError("nothing is measured here")
