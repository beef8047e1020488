"""Two runs as `jaxrig compare` tells them, on a page that a server makes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log
from typing import TYPE_CHECKING, Any

from harness.report.comparisons import comparison_view, pairing_view
from harness.report.site import addresses
from harness.report.site.facts import ratio
from harness.report.site.table import Cell, Table, number, said, told

if TYPE_CHECKING:
    from harness.compare import Comparison, WorkloadRatio
    from harness.report.view import View
    from harness.store.pairings import Pairing

_WORST_FIRST = ("slower", "unclear", "faster", "same")

_NUMBERS: Mapping[str, Sequence[str]] = {
    "ratio": ("ratio",),
    "base": ("base_median_s", "base"),
    "candidate": ("candidate_median_s",),
    "effect": ("effect",),
    "pairs": ("pairs",),
}
"""Columns that are sorted as numbers, and where the records have these."""


@dataclass(frozen=True, kw_only=True)
class ComparedPage:
    """`answer`: the verdict, in a sentence."""

    base: Cell
    candidate: Cell
    answer: Cell
    cases: Table
    workloads: Table | None
    differences: Sequence[str]
    notes: Sequence[str]


def apart_page(comparison: "Comparison", in_turns: str | None) -> ComparedPage:
    """Of runs that were measured apart. `in_turns`: the command that would decide what is
    unclear."""
    return _page(
        comparison_view(comparison, in_turns),
        differences=comparison.differences,
        workloads=_workloads(comparison.workloads) if comparison.workloads else None,
    )


def in_turns_page(pairing: "Pairing") -> ComparedPage:
    """Of runs that were measured in turns: what was said of them then."""
    return _page(pairing_view(pairing), differences=(), workloads=None)


def _page(view: "View", *, differences: Sequence[str], workloads: Table | None) -> ComparedPage:
    document = view.document
    verdict = said(document["verdict"])
    answer, *_ = view.preface
    return ComparedPage(
        base=_run(document["base"]),
        candidate=_run(document["candidate"]),
        answer=Cell(text=f"{verdict.text.partition(' ')[0]} {answer}", kind=verdict.kind),
        cases=_cases(view),
        workloads=workloads,
        differences=differences,
        notes=view.notes,
    )


def _run(name: str) -> Cell:
    return told(name, addresses.of_run(name))


def _cases(view: "View") -> Table:
    rows = sorted(zip(view.records, view.rows, strict=True), key=lambda pair: _worse(pair[0]))
    headers = list(view.headers)
    return Table(
        name="compared",
        caption="Cases of both runs",
        headers=headers,
        rows=[tuple(_row(headers, record, row)) for record, row in rows],
        numbers=frozenset(i for i, header in enumerate(headers) if header in _NUMBERS),
    )


def _worse(record: Mapping[str, Any]) -> tuple[int, float]:
    """What is worst comes first, and of that what is furthest."""
    both = record.get("presence", "both") == "both"
    place = _WORST_FIRST.index(record["verdict"]) if both else len(_WORST_FIRST)
    return place, -abs(log(record["ratio"])) if record["ratio"] else -inf


def _row(headers: Sequence[str], record: Mapping[str, Any], row: Sequence[str]) -> Iterator[Cell]:
    for header, text in zip(headers, row, strict=True):
        if header == "case":
            yield told(text, addresses.of_case(text))
        elif header == "verdict":
            yield said(text)
        elif header in _NUMBERS:
            found = (record[name] for name in _NUMBERS[header] if name in record)
            yield number(text, next(found, None))
        else:
            yield told(text)


def _workloads(found: "Sequence[WorkloadRatio]") -> Table:
    return Table(
        name="workloads",
        caption="Geometric means by workload",
        headers=("workload", "ratio", "low", "high", "cases"),
        rows=[
            (
                told(each.workload),
                ratio(each.ratio),
                ratio(each.low),
                ratio(each.high),
                number(str(each.cases), each.cases),
            )
            for each in found
        ],
        numbers=frozenset({1, 2, 3, 4}),
    )
