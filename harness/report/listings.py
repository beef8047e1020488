"""What there is, as lists: cases, machines, findings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.view import View

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.doctor import Finding
    from harness.report.site.files import Written
    from harness.store.check import Checked
    from harness.store.prune import Pruned
    from harness.store.reader import MachineSummary
    from workloads.catalog import Case


def cases_view(settings: "Settings", cases: Sequence["Case"]) -> View:
    """`jaxrig cases`."""
    from harness.plan import suites_of

    documents: list[dict[str, Any]] = [
        {
            "case": case.id,
            "workload": case.workload,
            "phase": case.phase,
            "dtype": case.dtype,
            "suites": list(suites_of(settings, case)),
            "flops": case.cost.flops,
            "bytes": case.cost.bytes,
            "intensity_flop_per_byte": case.cost.intensity,
            "storage_bytes": case.cost.storage_bytes,
            "link_bytes": case.cost.link_bytes,
            "work_unit": case.work.unit if case.work else None,
            "work_count": case.work.count if case.work else None,
            "memory_bytes": case.memory_bytes,
            "devices": case.devices,
            "platforms": list(case.platforms),
            "tolerance": case.tolerance,
            "parameters": dict(case.parameters),
        }
        for case in cases
    ]
    return View(
        document=documents,
        records=documents,
        headers=("case", "phase", "work", "FLOP", "bytes", "FLOP/byte", "suites"),
        rows=[
            (
                case.id,
                case.phase,
                f"{case.work.count:g} {case.work.unit}" if case.work else "",
                quantity.rate(case.cost.flops, "FLOP"),
                quantity.size(case.cost.bytes),
                "" if case.cost.intensity is None else f"{case.cost.intensity:.2f}",
                ", ".join(suites_of(settings, case)),
            )
            for case in cases
        ],
    )


def machines_view(machines: Sequence["MachineSummary"]) -> View:
    """`jaxrig machines`."""
    documents = [asdict(machine) for machine in machines]
    return View(
        document=documents,
        records=documents,
        headers=("name", "machine", "CPU", "cores", "threads", "memory", "GPUs", "runs", "same as"),
        rows=[
            (each.name, each.machine, *_hardware(each.facts), str(each.runs), each.same_as or "")
            for each in machines
        ],
    )


def _hardware(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a machine whose results were imported nobody may have told all of it."""
    memory, gpus = facts.get("memory_gib"), facts.get("gpus")
    return (
        facts.get("cpu_model") or "",
        str(facts.get("cores") or ""),
        str(facts.get("threads") or ""),
        "" if memory is None else f"{memory} GiB",
        "" if gpus is None else ", ".join(gpu["model"] for gpu in gpus) or "none",
    )


def doctor_view(findings: Sequence["Finding"]) -> View:
    """`jaxrig doctor`."""
    documents = [asdict(finding) for finding in findings]
    return View(
        document=documents,
        records=documents,
        headers=("", "check", "found", "how to mend it"),
        rows=[(each.status, each.check, each.found, each.mend) for each in findings],
    )


def checked_view(checks: Sequence["Checked"]) -> View:
    """`jaxrig db check`."""
    documents = [asdict(each) for each in checks]
    return View(
        document=documents,
        records=documents,
        headers=("", "check", "found"),
        rows=[("ok" if each.ok else "WRONG", each.check, each.found) for each in checks],
    )


def written_view(folder: Path, written: "Written") -> View:
    """`jaxrig report`."""
    document = {"folder": str(folder), **asdict(written)}
    return View(
        document=document,
        records=[document],
        headers=("folder", "files", "written", "removed"),
        rows=[(str(folder), *map(str, (written.files, written.written, written.removed)))],
    )


def pruned_view(pruned: "Pruned", *, dry_run: bool) -> View:
    """`jaxrig db prune`."""
    document = asdict(pruned) | {"runs": list(pruned.runs), "dry_run": dry_run}
    return View(
        document=document,
        records=[document],
        headers=("runs", "measurements", "samples", "older, but tagged or pinned"),
        rows=[
            (
                str(len(pruned.runs)),
                str(pruned.measurements),
                quantity.size(pruned.sample_bytes),
                str(pruned.kept),
            )
        ],
        notes=["nothing was changed (--dry-run)"] if dry_run else [],
    )
