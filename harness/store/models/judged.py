"""Runs that were measured in turns, what was said of them, and the anchors of nights."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from harness.store.models.mapping import Base


class PairingRow(Base):
    """Two runs that were measured in turns: launches of the same index and part are a pair, and
    so are their samples, one by one."""

    __tablename__ = "pairings"
    __table_args__ = (
        CheckConstraint("base_run_id <> candidate_run_id", name="two_runs"),
        CheckConstraint("rounds >= 0", name="rounds_not_negative"),
        Index("ix_pairings_base_candidate", "base_run_id", "candidate_run_id"),
        Index("ix_pairings_candidate", "candidate_run_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    base_run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    candidate_run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    rounds: Mapped[int]
    rule: Mapped[dict[str, Any]]


class VerdictRow(Base):
    """What was said of one case of a pairing. No ratio: it was measured in no pair."""

    __tablename__ = "verdicts"
    __table_args__ = (
        UniqueConstraint("pairing_id", "case", "metric"),
        CheckConstraint("verdict IN ('slower', 'faster', 'same', 'unclear')", name="verdict_known"),
        CheckConstraint("pairs >= 0", name="pairs_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pairing_id: Mapped[int] = mapped_column(ForeignKey("pairings.id", ondelete="CASCADE"))
    case: Mapped[str]
    metric: Mapped[str]
    unit: Mapped[str]
    verdict: Mapped[str]
    ratio: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    pairs: Mapped[int]
    base: Mapped[float | None]
    effect: Mapped[float | None]
    remarks: Mapped[list[str]]


class AnchorRow(Base):
    """An image that nights are measured in turns with, on one machine. The newest holds.

    Within an epoch each but the first was measured in turns with the one before (the bridge), so
    that ratios to one can be had from ratios to the other.
    """

    __tablename__ = "anchors"
    __table_args__ = (
        CheckConstraint("epoch >= 1", name="epoch_positive"),
        Index("ix_anchors_machine_target", "machine_id", "target"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    machine_id: Mapped[int] = mapped_column(ForeignKey("machines.id"))
    target: Mapped[str]
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    epoch: Mapped[int]
    why: Mapped[str]
    bridge_pairing_id: Mapped[int | None] = mapped_column(ForeignKey("pairings.id"))
    pinned_at: Mapped[datetime]


class NightRow(Base):
    """A pairing that is a night: tonight's image, in turns with the anchor's."""

    __tablename__ = "nights"
    __table_args__ = (Index("ix_nights_anchor", "anchor_id"),)

    pairing_id: Mapped[int] = mapped_column(
        ForeignKey("pairings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    anchor_id: Mapped[int] = mapped_column(ForeignKey("anchors.id"))
