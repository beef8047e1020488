"""A night: finds the anchor or pins one, and measures tonight's image in turns with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from containers.errors import ImageUnavailable
from harness.errors import EnvironmentFailure, UsageError
from harness.machine import this_machine
from harness.plan import PairPlan, Plan
from harness.runner.images import keep
from harness.runner.overlap import held
from harness.runner.pairs import MakeJudge, PairsResult, execute_pairs
from harness.runner.progress import Progress
from harness.runner.run import engine_failures
from harness.runner.setup import Setup, set_up
from harness.store.writer import Store

if TYPE_CHECKING:
    from harness.store.nights import Anchor

FIRST = "the first night"
ASKED = "--pin"


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """The anchor of tonight. `new`: why it was pinned just now; None: it was there."""

    id: int
    image: str
    epoch: int
    new: str | None = None


def find_anchor(
    plan: Plan, known: "Sequence[Anchor]", store: Store, say: Callable[[str], None]
) -> Pinned:
    """The newest of the `known`; where there is none that can be measured, tonight's image, pinned
    here and now. `plan`: of tonight. Raises `EnvironmentFailure`,
    and `UsageError` for plain processes: they have no image.
    """
    if plan.isolation == "process":
        raise UsageError(
            "a night is measured with a pinned image, and a plain process has none: choose a "
            'target with isolation = "container"'
        )
    with engine_failures():
        setup = set_up(plan, say)
        if not known:
            return _pin(plan, setup, store, epoch=1, why=FIRST)
        last = known[-1]
        missing = _why_not(replace(plan, image=last.image), say)
    if missing is None:
        return Pinned(id=last.id, image=last.image, epoch=last.epoch)
    epoch = last.epoch + 1
    say(f"A NEW EPOCH ({epoch}): the anchor cannot be measured any more: {missing}")
    say("tonight's image is pinned; ratios from here on cannot be compared with those before")
    return _pin(plan, setup, store, epoch=epoch, why=missing)


def measure_night(
    plan: PairPlan,
    anchor: Pinned,
    store: Store,
    progress: Progress,
    make_judge: MakeJudge,
    *,
    pin: bool,
) -> PairsResult:
    """Measures the plan, whose base is the anchor. `pin`: tonight's image is the anchor from here
    on, and this pairing the bridge. Raises what `execute_pairs` does."""
    done = execute_pairs(plan, store, progress, make_judge)
    if pin and done.turned and not done.same_image:
        with engine_failures():
            setup = set_up(plan.candidate, progress.say)
        _pin(plan.candidate, setup, store, epoch=anchor.epoch, why=ASKED, bridge=done.pairing)
        progress.say("tonight's image is pinned; it was measured in turns with the anchor before")
    return done


def _why_not(plan: Plan, say: Callable[[str], None]) -> str | None:
    """Why the plan's image cannot be measured; None where it can. `EngineUnavailable` is no such
    reason: tomorrow the engine may be back, and the image with it."""
    try:
        held(plan, set_up(plan, say))
    except (ImageUnavailable, EnvironmentFailure) as error:
        return str(error)
    return None


def _pin(
    plan: Plan, setup: Setup, store: Store, *, epoch: int, why: str, bridge: int | None = None
) -> Pinned:
    image = setup.image
    if image is None:
        raise UsageError("there is no image to pin")
    keep(image)
    pinned = store.pin_anchor(
        machine=this_machine(),
        target=plan.target_name,
        image=(image.digest, image.tag),
        epoch=epoch,
        why=why,
        bridge=bridge,
    )
    return Pinned(id=pinned, image=image.digest, epoch=epoch, new=why)
