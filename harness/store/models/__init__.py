"""The schema as typed models; docs/schema.md explains every column.

Values are in base units, named in the column: seconds, bytes, FLOP. Rows refer to one another by
small numbers, which are this database's own; what other databases know them by is a UUID, a digest
or a fingerprint.
"""

from harness.store.models.decided import DecisionRow, RegressionRow
from harness.store.models.judged import AnchorRow, NightRow, PairingRow, VerdictRow
from harness.store.models.mapping import Base
from harness.store.models.measured import (
    BenchmarkRow,
    CaseRow,
    CommitRow,
    EnvironmentRow,
    FailureRow,
    ImageRow,
    ImportRow,
    LaunchRow,
    MachineLinkRow,
    MachineRow,
    MeasurementRow,
    ProfileRow,
    ProgramRow,
    RunRow,
    SelectionRow,
    SkipRow,
)

__all__ = [
    "AnchorRow",
    "Base",
    "BenchmarkRow",
    "CaseRow",
    "CommitRow",
    "DecisionRow",
    "EnvironmentRow",
    "FailureRow",
    "ImageRow",
    "ImportRow",
    "LaunchRow",
    "MachineLinkRow",
    "MachineRow",
    "MeasurementRow",
    "NightRow",
    "PairingRow",
    "ProfileRow",
    "ProgramRow",
    "RegressionRow",
    "RunRow",
    "SelectionRow",
    "SkipRow",
    "VerdictRow",
]
