"""Queries about anchors and the nights that were measured with them; `Reader` answers by them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from harness.store.links import same_machines
from harness.store.models import (
    AnchorRow,
    CaseRow,
    ImageRow,
    LaunchRow,
    MeasurementRow,
    NightRow,
    PairingRow,
    RunRow,
)

_Query = Select[*tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """An image that nights are measured with. `image` is its digest; `bridge`: the pairing in
    which it was measured with the anchor before it, None where an epoch begins with it."""

    id: int
    target: str
    image: str
    epoch: int
    why: str
    bridge: int | None
    pinned_at: datetime


def anchors(machine: str, target: str) -> _Query:
    """Columns of `Anchor`, the oldest first. `machine`: a fingerprint."""
    return (
        select(
            AnchorRow.id,
            AnchorRow.target,
            ImageRow.digest.label("image"),
            AnchorRow.epoch,
            AnchorRow.why,
            AnchorRow.bridge_pairing_id.label("bridge"),
            AnchorRow.pinned_at,
        )
        .join(ImageRow, AnchorRow.image_id == ImageRow.id)
        .where(AnchorRow.machine_id.in_(same_machines(machine)), AnchorRow.target == target)
        .order_by(AnchorRow.pinned_at, AnchorRow.id)  # merged ones came later than they were pinned
    )


def anchored() -> Select[str]:
    """Digests of all images that nights of any machine and target are, or were, measured with."""
    of_anchors = select(AnchorRow.image_id)
    return select(ImageRow.digest).where(ImageRow.id.in_(of_anchors))


def turns(anchor: int, most: int) -> _Query:
    """Samples of the newest nights of an anchor that came to their end, at most so many."""
    nights = (
        select(NightRow.pairing_id)
        .join(PairingRow, NightRow.pairing_id == PairingRow.id)
        .join(RunRow, PairingRow.candidate_run_id == RunRow.id)
        .where(NightRow.anchor_id == anchor, RunRow.ended_at.is_not(None))
        .order_by(RunRow.started_at.desc(), NightRow.pairing_id.desc())
        .limit(most)
    )
    launch, other = LaunchRow, aliased(LaunchRow)
    base, candidate = MeasurementRow, aliased(MeasurementRow)
    return (
        select(
            PairingRow.id.label("pairing"),
            CaseRow.name.label("case"),
            launch.index.label("launch"),
            base.samples_s.label("base_s"),
            candidate.samples_s.label("candidate_s"),
        )
        .join(launch, launch.run_id == PairingRow.base_run_id)
        .join(
            other,
            (other.run_id == PairingRow.candidate_run_id)
            & (other.index == launch.index)
            & (other.part == launch.part),
        )
        .join(base, base.launch_id == launch.id)
        .join(candidate, (candidate.launch_id == other.id) & (candidate.case_id == base.case_id))
        .join(CaseRow, base.case_id == CaseRow.id)
        .join(RunRow, PairingRow.candidate_run_id == RunRow.id)
        .where(
            PairingRow.id.in_(nights),
            base.samples_s.is_not(None),  # else they were pruned
            candidate.samples_s.is_not(None),
        )
        .order_by(RunRow.started_at, PairingRow.id, launch.index, launch.part, base.id)
    )
