"""Which limit binds: `jaxrig bottleneck`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.saying import said_once, some
from harness.report.view import View

if TYPE_CHECKING:
    from harness.bottleneck import Bottlenecks
    from harness.causes import Change
    from harness.roofline.label import Labelled
    from harness.roofline.terms import Part

_BAR = 20
_LETTERS = {"compute": "C", "bandwidth": "B", "dispatch": "d", "link": "L", "storage": "S"}


def bottleneck_view(found: "Bottlenecks", *, parts: bool = False) -> View:
    """A row a case; with `parts` a row a part of each, below it."""
    beaten = {each.case for each in found.beaten}
    raised = {each.case: each.factor for each in found.raised}
    records = [
        {
            **_record(each),
            "ceilings": found.ceilings,
            "one_core": found.one_core,
            "beaten": each.case in beaten,
            "raised": raised.get(each.case),
        }
        for each in found.labelled
    ]
    rows: list[tuple[str, ...]] = []
    for each in found.labelled:
        rows.append(_row(each))
        rows += [_part_row(part) for part in each.bounds.parts] if parts else []
    return View(
        document=records,
        records=[_flat(record) for record in records],
        headers=(
            "case",
            "label",
            "measured",
            "bounds",
            "of ceiling",
            "MFU",
            "twice it",
            "terms",
        ),
        rows=rows,
        notes=list(_notes(found)),
        columns=("case", "label", "fraction_of_ceiling", "low_s", "measured_s", "high_s"),
    )


def changes_view(base: str, candidate: str, changes: Sequence["Change"]) -> View:
    """A row a case that both runs have, the largest loss first."""
    ordered = sorted(changes, key=lambda each: -each.ratio)
    records = [asdict(each) for each in ordered]
    return View(
        document={"base": base, "candidate": candidate, "cases": records},
        records=records,
        headers=("case", "base", "candidate", "ratio", "of ceilings", "HLO", "cause"),
        rows=[
            (
                each.case,
                quantity.seconds(each.base_s),
                quantity.seconds(each.candidate_s),
                f"{each.ratio:.3f}",
                "" if each.ceilings_ratio is None else f"{each.ceilings_ratio:.3f}",
                _HLO[each.same_hlo],
                "" if each.cause == "none" else each.cause,
            )
            for each in ordered
        ],
        notes=[
            f"{candidate} over {base}; above 1 it takes longer",
            "of ceilings: what the ceilings of either make of the same work, machine and image",
            f"whether a case is slower at all: `jaxrig compare {base} {candidate}`",
        ],
    )


_HLO = {True: "same", False: "other", None: ""}


def _record(each: "Labelled") -> dict[str, Any]:
    return {
        "case": each.case,
        "label": each.label,
        "fraction_of_ceiling": each.fraction_of_ceiling,
        "low_s": each.bounds.low_s,
        "measured_s": each.measured_s,
        "high_s": each.bounds.high_s,
        "binding": each.binding,
        "mfu": each.mfu,
        **{f"{limit}_s": value for limit, value in each.bounds.terms.by_limit().items()},
        **{f"twice_{limit}": factor for limit, factor in each.twice.items()},
        "parts": [_part_record(part) for part in each.bounds.parts],
    }


def _part_record(part: "Part") -> dict[str, Any]:
    return {
        "part": part.part,
        "stage": part.stage,
        "flops": part.flops,
        "kept_bytes": part.kept_bytes,
        **{f"{limit}_s": value for limit, value in part.terms.by_limit().items() if value},
    }


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "parts"}


def _row(each: "Labelled") -> tuple[str, ...]:
    bounds = each.bounds
    faster = f"{each.binding} {each.twice[each.binding]:.2f}×"
    return (
        each.case,
        each.label,
        quantity.seconds(each.measured_s),
        f"{quantity.seconds(bounds.low_s)} to {quantity.seconds(bounds.high_s)}",
        quantity.percent(each.fraction_of_ceiling),
        "" if each.mfu is None else quantity.percent(each.mfu),
        faster,
        bar(each),
    )


def bar(each: "Labelled") -> str:
    """What was measured as a line of letters, one a twentieth: each limit's own, and a dot for what
    none of them explains."""
    terms = each.bounds.terms.by_limit()
    whole = max(each.bounds.terms.total_s, each.measured_s)
    text = "".join(
        letter * round(_BAR * terms[limit] / whole) for limit, letter in _LETTERS.items()
    )
    return text[:_BAR].ljust(_BAR, ".")


def _part_row(part: "Part") -> tuple[str, ...]:
    stage = "" if part.stage == "forward" else f" ({part.stage})"
    told = ", ".join(
        f"{limit} {quantity.seconds(value)}"
        for limit, value in part.terms.by_limit().items()
        if value
    )
    kept = quantity.size(part.kept_bytes) if part.kept_bytes else ""
    return (f"· {part.part}{stage}", "", "", told, "", "", kept, "")


def _notes(found: "Bottlenecks") -> Iterator[str]:
    letters = ", ".join(f"{letter} {limit}" for limit, letter in _LETTERS.items())
    yield f"by the ceilings of {found.ceilings}; terms: {letters}, . none of them"
    if found.one_core is not None:
        yield f"what cores wait for each other, by the ceilings of one ({found.one_core}), is d"
    for beaten in found.beaten:
        yield (
            f"{beaten.case} is {beaten.factor:.2f} times as fast as its ceilings allow, of which "
            f"{beaten.ceiling} takes longest: it or they are wrong; `jaxrig ceilings --refresh` "
            "tells"
        )
    if found.raised:
        ordered = sorted(found.raised, key=lambda each: -each.factor)
        names = some([f"{each.case} ({each.factor:.2f} times)" for each in ordered])
        yield f"faster in this run than when the ceilings were measured, which it raises: {names}"
    yield from said_once("not labelled", found.untold.items())
