"""Regressions that were found in series, and what people decided of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from harness.store.models.mapping import Base


class RegressionRow(Base):
    """A case that takes longer from a run on, as it was when it was first kept. The run is known by
    name: it may be pruned, and the regression stays."""

    __tablename__ = "regressions"
    __table_args__ = (
        CheckConstraint("unit IN ('s', 'ratio')", name="unit_known"),
        # PostgreSQL takes NaN for the largest number.
        CheckConstraint("ratio > 1 AND ratio <= 1e300", name="slower"),
        Index("ix_regressions_machine", "machine_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    case: Mapped[str]
    machine_id: Mapped[int] = mapped_column(ForeignKey("machines.id"))
    target: Mapped[str]
    isolation: Mapped[str]
    unit: Mapped[str]
    run: Mapped[str]
    run_started_at: Mapped[datetime]
    ratio: Mapped[float]
    found_at: Mapped[datetime]
    announced_at: Mapped[datetime | None]
    fixed_at: Mapped[datetime | None]


class DecisionRow(Base):
    """What somebody decided of a regression, and why. The newest holds; `detected` takes the one
    before back."""

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint("state IN ('acknowledged', 'ignored', 'detected')", name="state_known"),
        CheckConstraint("reason <> ''", name="reason_told"),
        CheckConstraint("who <> ''", name="who_told"),
        Index("ix_decisions_regression", "regression_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    regression_id: Mapped[int] = mapped_column(ForeignKey("regressions.id", ondelete="CASCADE"))
    state: Mapped[str]
    reason: Mapped[str]
    who: Mapped[str]
    decided_at: Mapped[datetime]
