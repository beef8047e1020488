"""What got slower, and what became of it: `jaxrig regressions`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.series import target_of
from harness.report.view import Format, View

if TYPE_CHECKING:
    from harness.changes import Changed
    from harness.regressions import Regression


def regressions_view(found: Sequence["Regression"]) -> View:
    """`jaxrig regressions list`: a row a regression, in their order."""
    records = [_record(each) for each in found]
    return View(
        document=records,
        records=records,
        headers=("name", "state", "case", "machine", "target", "since (UTC)", "ratio", "by"),
        rows=[_row(each) for each in found],
        notes=list(_notes(found)),
        columns=("name", "state", "case", "machine", "target", "run", "started_at", "ratio"),
    )


def announced_view(found: Sequence["Regression"], form: Format) -> View:
    """`jaxrig regressions announce`; as Markdown it has a heading, and suits a job's summary."""
    heading = "### jaxrig: " if form == "md" else ""
    return replace(regressions_view(found), preface=[f"{heading}{count(found, 'found')}"], notes=())


def count(found: Sequence["Regression"], what: str = "") -> str:
    """`2 regressions`, and `what` they are."""
    number = len(found)
    return f"{number} regression{'' if number == 1 else 's'}" + (f" {what}" if what else "")


def slower(each: "Regression") -> str:
    """1.104 → `+10.4 %`."""
    return f"+{quantity.percent(each.ratio - 1)}"


def _record(each: "Regression") -> dict[str, Any]:
    """What the series does not show, or nobody did, is None."""
    kept = each.kept
    return {
        "name": each.name,
        "state": each.state,
        **each.where,
        "unit": each.unit,
        "ratio": each.ratio,
        **_levels(each.changed),
        "run": each.run,
        "started_at": each.started_at,
        "fixed_run": each.fixed and each.fixed.first.run,
        "fixed_at": each.fixed_at,
        "found_at": kept and kept.found_at,
        "announced_at": kept and kept.announced_at,
        "decisions": [asdict(decision) for decision in kept.decisions] if kept else [],
    }


def _levels(changed: "Changed | None") -> dict[str, Any]:
    names = ("low", "high", "before", "after", "provisional")
    told = {name: changed and getattr(changed.change, name) for name in names}
    differs = changed and {name: list(values) for name, values in changed.differs.items()}
    return {**told, "last_run": changed and changed.last.run, "differs": differs}


def _row(each: "Regression") -> tuple[str, ...]:
    where, decision = each.where, each.decision
    return (
        each.name,
        each.state,
        where["case"],
        f"{where['machine']} ({where['machine_name']})",
        target_of(where["target"], where["isolation"]),
        quantity.moment(each.started_at),
        _ratio(each),
        "" if decision is None else f"{decision.who}: {decision.reason}",
    )


def _ratio(each: "Regression") -> str:
    if each.changed is None:
        return f"{each.ratio:.3f}"
    interval = f" ({each.changed.change.low:.3f} to {each.changed.change.high:.3f})"
    return f"{each.ratio:.3f}{interval}" + (", provisional" if each.is_provisional else "")


def _notes(found: Sequence["Regression"]) -> Iterator[str]:
    yield count(found)
    if any(each.is_provisional for each in found):
        yield "provisional: so few runs are after it that later ones may take it back"
    if any(each.kept is None for each in found):
        yield (
            "names hold from the first `jaxrig regressions announce`, `ack` or `ignore` on; until "
            "then more runs may change them"
        )
