"""Where the time of cases went on their device: `jaxrig profile`."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.fitting import Fitting
from harness.report.view import View

if TYPE_CHECKING:
    from harness.store.profiles import Profile


_NUMBER = re.compile(r"\.\d+$")


def profiles_view(
    run: str,
    profiles: Sequence["Profile"],
    medians_s: Mapping[str, float],
    *,
    top: int,
    single: bool = False,
) -> View:
    """A row a case and, below it, one for each of the `top` kinds of operations that took longest:
    XLA's names without their numbers; `single`: of operations, one by one. `medians_s`: of the
    launches that were timed, by case."""
    documents = [_document(run, each, medians_s[each.case]) for each in profiles]
    return View(
        document=documents,
        records=[record for each in documents for record in _records(each)],
        headers=("case, operation", "timed", "device", "share", "runs"),
        rows=[row for each in documents for row in _rows(each, top, single=single)],
        notes=[
            "device: while an operation ran, and that as a share of the call that was traced;",
            "of operations: their own time, without those within, and its share of the case.",
            "What runs at once overlaps. What is traced is slower than what is timed.",
        ],
        columns=("run", "case", "operation", "count", "seconds"),
        fitting=Fitting(names=0, essential=3),
    )


def _document(run: str, profile: "Profile", median_s: float) -> dict[str, Any]:
    """Seconds of one call, but `wall_s`, `device_s` and the operations' `seconds`: of all `calls`
    that were traced."""
    calls, device_s = profile.calls, profile.device_s
    return {
        "run": run,
        **vars(profile),
        "median_s": median_s,
        "traced_s": profile.wall_s / calls,
        "device_call_s": None if device_s is None else device_s / calls,
        "device_share": None if device_s is None else device_s / profile.wall_s,
    }


def _records(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row an operation."""
    shared = {name: document[name] for name in ("run", "case", "calls", "wall_s", "device_s")}
    for operation in document["operations"]:
        yield {
            "run": shared["run"],
            "case": shared["case"],
            "operation": operation["name"],
            "count": operation["count"],
            "seconds": operation["seconds"],
            **shared,
        }


def _rows(document: Mapping[str, Any], top: int, *, single: bool) -> Iterator[tuple[str, ...]]:
    device_s, calls = document["device_s"], document["calls"]
    timed = quantity.seconds(document["median_s"])
    if not device_s:
        yield document["case"], timed, "none seen", "", ""
        return
    share = quantity.percent(document["device_share"])
    yield document["case"], timed, quantity.seconds(device_s / calls), share, ""
    operations = document["operations"] if single else _kinds(document["operations"])
    for each in operations[:top]:
        own_s, of_device = each["seconds"], quantity.percent(each["seconds"] / device_s)
        runs = f"{each['count'] / calls:.3g}"
        yield f"- {each['name']}", "", quantity.seconds(own_s / calls), of_device, runs


def _kinds(operations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sums over operations whose names differ in their number, the longest first."""
    counts, own_s = Counter[str](), defaultdict[str, float](float)
    for each in operations:
        kind = _NUMBER.sub("", each["name"])
        counts[kind] += each["count"]
        own_s[kind] += each["seconds"]
    longest = sorted(own_s, key=lambda kind: -own_s[kind])
    return [{"name": kind, "count": counts[kind], "seconds": own_s[kind]} for kind in longest]
