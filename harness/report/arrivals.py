"""`jaxrig import` and `merge`: what came of each file, and of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.report.view import View

if TYPE_CHECKING:
    from harness.exchange.arrivals import Arrival
    from harness.store.merge import Merged

_MOST_NOTES = 20


def arrivals_view(arrivals: "Sequence[Arrival]") -> View:
    """A row a file. What has no place in the database is named below, with how many files have
    it."""
    documents = [asdict(each) for each in arrivals]
    unmapped = Counter(name for each in arrivals for name in each.unmapped)
    notes = [
        f"not taken in: {name}" + (f" (in {count} files)" if count > 1 else "")
        for name, count in unmapped.most_common(_MOST_NOTES)
    ]
    if len(unmapped) > _MOST_NOTES:
        notes.append(f"and {len(unmapped) - _MOST_NOTES} more; --format json names all")
    return View(
        document=documents,
        records=documents,
        headers=("file", "format", "runs", "", "measurements"),
        rows=[
            (
                each.file,
                each.format or "",
                each.runs[0] if len(each.runs) == 1 else str(each.runs_added + each.runs_known),
                _what(each),
                str(each.measurements),
            )
            for each in arrivals
        ],
        notes=notes,
    )


def _what(arrival: "Arrival") -> str:
    if arrival.error is not None:
        return f"in part: {arrival.runs_added} new" if arrival.runs_added else "not read"
    if not arrival.runs_added:
        return "known already"
    known = f", {arrival.runs_known} known already" if arrival.runs_known else ""
    return f"{arrival.runs_added} new{known}"


def merged_view(merged: "Merged") -> View:
    """`jaxrig merge`."""
    document = asdict(merged)
    return View(
        document=document,
        records=[document],
        headers=("runs added", "known already", "left out", "not readable", "measurements added"),
        rows=[
            (
                str(merged.runs_added),
                str(merged.runs_known),
                str(len(merged.running)),
                str(len(merged.unreadable)),
                str(merged.measurements_added),
            )
        ],
        notes=[f"{old} is called {new} here" for old, new in merged.renamed.items()],
    )
