"""A record of a launch, taken apart by the tables that its fields belong to."""

from dataclasses import dataclass
from typing import Any

from harness.records import Benchmark, Measured
from harness.store.models import Base, CaseRow, ProgramRow


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A record's fields by the table that they belong to."""

    case: dict[str, Any]
    program: dict[str, Any] | None
    benchmark: dict[str, Any] | None
    measurement: dict[str, Any]


def parts_of(record: Measured) -> Parts:
    """Of a suite of one's own the workload is the test's function."""
    values = record.model_dump(exclude={"kind", "schema_version", "platform", "samples_s"})
    benchmark: dict[str, Any] | None = None
    if isinstance(record, Benchmark):
        values |= {"workload": record.case.partition("[")[0], "phase": None, "dtype": None}
        benchmark = {
            "benchmark_group": values.pop("group"),
            "benchmark_options": values.pop("options") | {"in_turns": values.pop("in_turns")},
        }
    case = {"name": values.pop("case")}
    case |= {name: values.pop(name) for name in _CASE}
    program = {name: values.pop(name) for name in _PROGRAM if name in values}
    for name in ("observations", "warnings"):
        values[name] = values.get(name) or None  # most have none, and an empty one takes room
    return Parts(case=case, program=program or None, benchmark=benchmark, measurement=values)


def _columns(model: type[Base]) -> tuple[str, ...]:
    return tuple(model.metadata.tables[model.__tablename__].columns.keys())


_CASE = tuple(name for name in _columns(CaseRow) if name not in ("id", "sha256", "name"))
_PROGRAM = tuple(name for name in _columns(ProgramRow) if name not in ("id", "sha256"))
