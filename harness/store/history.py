"""What a machine's stored runs measured, and under which conditions: the query."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, Text, case, cast, exists, func, select

from harness.store.links import same_machines
from harness.store.models import (
    CaseRow,
    LaunchRow,
    MeasurementRow,
    PairingRow,
    ProgramRow,
    RunRow,
)

MOST_RUNS = 100
"""The newest ones: more would tell the spread hardly better, and of a machine as it used to be."""


def history_query(
    *, machine: str, platform: str, isolation: str, targets: Collection[str], cases: Collection[str]
) -> Select[*tuple[Any, ...]]:
    """A row a launch and case, over the indexes of runs by machine and target, and of measurements
    by case and launch.

    Runs that were measured in turns are left out: another process lived beside each of theirs.
    """
    newest = _newest(machine, platform, isolation, targets)
    # As a subquery: else SQLite begins with the cases, and reads what every machine measured.
    launches = select(LaunchRow.id).where(LaunchRow.run_id.in_(newest))
    return (
        select(
            RunRow.name.label("run"),
            cast(RunRow.started_at, Text).label("started_at"),
            CaseRow.name.label("case"),
            MeasurementRow.median_s,
            RunRow.target,
            RunRow.suite,
            RunRow.image_id.label("image"),
            # What ran is named by its image; where there is none, by the checkout.
            case(
                (RunRow.image_id.is_(None), func.coalesce(RunRow.git_commit, RunRow.jaxrig_version))
            ).label("source"),
            LaunchRow.environment_id.label("environment"),
            cast(LaunchRow.limits, Text).label("limits"),
            cast(LaunchRow.env, Text).label("env"),
            cast(CaseRow.parameters, Text).label("parameters"),
            ProgramRow.hlo_sha256,
        )
        .select_from(MeasurementRow)
        .join(LaunchRow, LaunchRow.id == MeasurementRow.launch_id)
        .join(RunRow, RunRow.id == LaunchRow.run_id)
        .join(CaseRow, MeasurementRow.case_id == CaseRow.id)
        .outerjoin(ProgramRow, MeasurementRow.program_id == ProgramRow.id)
        .where(CaseRow.name.in_(cases), MeasurementRow.launch_id.in_(launches))
        .order_by(RunRow.id, MeasurementRow.id)
    )


def _newest(machine: str, platform: str, isolation: str, targets: Collection[str]) -> Select[int]:
    sides = (PairingRow.base_run_id, PairingRow.candidate_run_id)
    return (
        select(RunRow.id)
        .where(
            RunRow.machine_id.in_(same_machines(machine)),
            RunRow.target.in_(targets),
            RunRow.platform == platform,
            RunRow.isolation == isolation,
            RunRow.status.in_(("done", "failed")),  # of one that failed, what was measured holds
            *(~exists().where(side == RunRow.id) for side in sides),
        )
        .order_by(RunRow.started_at.desc(), RunRow.id.desc())
        .limit(MOST_RUNS)
    )
