"""Since when cases take another time: `jaxrig history --changes`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.fitting import Fitting
from harness.report.saying import some
from harness.report.series import moment, target_of
from harness.report.view import View

if TYPE_CHECKING:
    from harness.changes import Changed, Series

_SHOWN = 12
"""Characters of a digest or a commit that a person reads."""

_HASHES = ("image", "git_commit", "hlo")
OF_NIGHTS = "ratios to the anchor"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def letters(place: int) -> str:
    """What a change is called by its place in a table: A to Z, AA, AB, …"""
    more, last = divmod(place, len(_LETTERS))
    return (letters(more - 1) if more else "") + _LETTERS[last]


def changes_view(series: Sequence["Series"], shown: Sequence["Changed"]) -> View:
    """A row a change, and below the table a line for what else was another there. `shown`: of
    `series`, those of this page."""
    records = [_record(each) for each in shown]
    return View(
        document=records,
        records=records,
        headers=("", "case", "since (UTC)", "ratio", "interval", "before", "after"),
        rows=[(letters(place), *_row(each)) for place, each in enumerate(shown)],
        notes=[
            *(f"{letters(place)}: {'; '.join(_told(each))}" for place, each in enumerate(shown)),
            *_notes(series, shown),
        ],
        columns=("case", "machine", "target", "run", "started_at", "ratio", "low", "high"),
        fitting=Fitting(names=1, essential=5),
    )


def _record(each: "Changed") -> dict[str, Any]:
    change = asdict(each.change)
    del change["at"]  # a place in the series, which is not told
    return {
        **each.where,
        "unit": each.unit,
        **change,
        "run": each.first.run,
        "started_at": moment(each.first.started_at),
        "git_commit": each.first.beside["git_commit"],
        "last_run": each.last.run,
        "last_started_at": moment(each.last.started_at),
        "last_git_commit": each.last.beside["git_commit"],
        "differs": {name: list(values) for name, values in each.differs.items()},
        "same_code": each.same_code,
        "ceilings": None if each.ceilings is None else [asdict(one) for one in each.ceilings],
        "noise": None if each.noise is None else [asdict(one) for one in each.noise],
    }


def _row(each: "Changed") -> tuple[str, ...]:
    change = each.change
    return (
        each.where["case"],
        each.first.started_at[:16],
        f"{change.ratio:.3f}",
        f"{change.low:.3f} … {change.high:.3f}",
        amount(change.before, each.unit),
        amount(change.after, each.unit),
    )


def amount(value: float, unit: str) -> str:
    """A point or a level: a time, or a ratio to the anchor."""
    return quantity.seconds(value) if unit == "s" else f"{value:.3f}"


def place_of(where: Mapping[str, str]) -> str:
    """`on node00 (0001000100010001), cpu`."""
    target = target_of(where["target"], where["isolation"])
    return f"on {where['machine_name']} ({where['machine']}), {target}"


def _told(each: "Changed") -> Iterator[str]:
    """Where it is, and what came with it."""
    yield place_of(each.where)
    if each.unit == "ratio":
        yield OF_NIGHTS
    if each.change.provisional:
        yield "provisional"
    yield from with_it(each)


def with_it(each: "Changed") -> Iterator[str]:
    """What else was another there."""
    for name, (before, after) in each.differs.items():
        yield _difference(name, before, after)
    if each.same_code:
        yield "same compiled code"
    yield from _ceilings(each)
    for one in each.noise or ():
        share = one.share.removesuffix("_share")
        yield f"{share} {quantity.percent(one.before)} → {quantity.percent(one.after)}"


def _difference(name: str, before: str | None, after: str | None) -> str:
    one, other = _short(name, before), _short(name, after)
    if name == "git_commit" and before is not None and after is not None:
        return f"commits {one}..{other}"
    return f"{name.replace('_', ' ')} {one} → {other}"


def _ceilings(each: "Changed") -> Iterator[str]:
    if each.ceilings == ():
        yield "ceilings as before"
    for one in each.ceilings or ():
        before, after = (
            quantity.seconds(value) if one.unit == "s" else quantity.rate(value, one.unit)
            for value in (one.before, one.after)
        )
        yield f"{one.limit} ({one.what}) {before} → {after}"


def _short(name: str, text: str | None) -> str:
    if text is None:
        return "unknown"
    return text.removeprefix("sha256:")[:_SHOWN] if name in _HASHES else text


def _notes(series: Sequence["Series"], shown: Sequence["Changed"]) -> Iterator[str]:
    few = sum(each.levels.few for each in series)
    yield f"{len(series)} series were looked at" + (
        f", {few} of them with too few runs for a change to be found" if few else ""
    )
    if any(each.change.provisional for each in shown):
        yield "provisional: so few runs are after it that later ones may take it back"
    unknown = [letters(place) for place, each in enumerate(shown) if each.ceilings is None]
    if unknown:
        yield f"ceilings unknown, not measured both before and after: {some(unknown)}"
