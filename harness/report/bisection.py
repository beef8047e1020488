"""The course of a bisection and where it ends: `jaxrig bisect`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from harness.course import Course, Decision
from harness.report.fitting import Fitting
from harness.report.view import View
from harness.revisions import Revision

_HASH = re.compile(r"[0-9a-f]{40,64}")
_FEW = 12


def bisection_view(course: Course) -> View:
    """What was found, then every step in the order in which it was measured."""
    known = {each.name: each for each in course.question.revisions}
    steps = [_step(each, known) for each in course.decisions]
    return View(
        document={
            **_asked(course),
            "status": status_of(course),
            "first_bad": _first_bad(course, known),
            "left": list(course.bisection.suspects),
            "change": _change(course.change),
            "hlo_changed": _hlo_changed(course.change),
            "steps": steps,
        },
        records=steps,
        headers=("revision", "found", "ratio", "interval", "pairs", "subject"),
        rows=[_row(each, known) for each in course.decisions],
        columns=list(_step(Decision(revision="", against="", outcome="same"), known)),
        preface=list(_preface(course, known)),
        notes=["ratio: of the time, over the good one's", *_notes(course)],
        fitting=Fitting(names=5, essential=6),
    )


def status_of(course: Course) -> str:
    """`found`; `hidden` by what had to be skipped; or `unfinished`."""
    if course.next is not None:
        return "unfinished"
    return "hidden" if course.bisection.first_bad is None else "found"


def short(name: str) -> str:
    """A commit's hash as people write it; anything else as it is."""
    return name[:12] if _HASH.fullmatch(name) else name


def _asked(course: Course) -> dict[str, Any]:
    question = course.question
    return {
        "case": question.case,
        "target": question.target,
        "good": question.good,
        "bad": question.bad,
    }


def _first_bad(course: Course, known: Mapping[str, Revision]) -> dict[str, Any] | None:
    name = course.bisection.first_bad
    if name is None:
        return None
    return {"revision": name, "subject": known[name].subject, "author_date": known[name].date}


def _change(change: Decision | None) -> dict[str, Any] | None:
    if change is None:
        return None
    told = asdict(change)
    return {each: told[each] for each in ("against", "ratio", "low", "high", "outcome", "pairs")}


def _hlo_changed(change: Decision | None) -> bool | None:
    return None if change is None or change.same_code is None else not change.same_code


def _step(decision: Decision, known: Mapping[str, Revision]) -> dict[str, Any]:
    told = asdict(decision)
    del told["runs"]
    revision = known.get(decision.revision)
    return told | {
        "finding": decision.finding,
        "base": decision.runs[0] if decision.runs else None,
        "candidate": decision.runs[1] if decision.runs else None,
        "subject": revision and revision.subject,
        "author_date": revision and revision.date,
    }


def _row(decision: Decision, known: Mapping[str, Revision]) -> tuple[str, ...]:
    interval = "" if decision.low is None else f"{decision.low:.3f} … {decision.high:.3f}"
    return (
        short(decision.revision),
        decision.finding,
        "" if decision.ratio is None else f"{decision.ratio:.3f}",
        interval,
        str(decision.pairs),
        known[decision.revision].subject,
    )


def _preface(course: Course, known: Mapping[str, Revision]) -> Iterator[str]:
    bisection, question = course.bisection, course.question
    first = bisection.first_bad
    if first is None:
        yield f"{_left(course)}: {_few([short(each) for each in bisection.suspects])}"
    else:
        date = f" of {known[first].date}" if known[first].date else ""
        yield f"first bad: {short(first)}{date}: {known[first].subject}"
    if course.change is not None and course.change.ratio is not None:
        yield _size(course.change)
        if course.change.same_code is not None:
            code = "the same" if course.change.same_code else "other"
            yield f"the compiler made {code} code (HLO)"
    yield f"case {question.case}, target {question.target}, good: {short(question.good)}"


def _left(course: Course) -> str:
    count = len(course.bisection.suspects)
    if course.next is not None:
        return f"not at its end: the first bad one is one of {count}"
    return f"the first bad one is one of {count}, of which all but the last had to be skipped"


def _size(change: Decision) -> str:
    return (
        f"{change.outcome}: {change.ratio:.3f} ({change.low:.3f} … {change.high:.3f}) of the time "
        f"of {short(change.against)}, {change.pairs} pairs"
    )


def _notes(course: Course) -> Iterator[str]:
    for each in course.decisions:
        if each.against != course.question.good:
            yield f"the last step is over {short(each.against)}, which comes before"
        elif each.finding == "skipped":
            reason = (each.reason.splitlines() or [""])[0]
            yield f"skipped: {short(each.revision)}: {each.outcome.replace('_', ' ')}: {reason}"


def _few(names: list[str]) -> str:
    return ", ".join(names if len(names) <= _FEW else [*names[: _FEW - 2], "…", names[-1]])
