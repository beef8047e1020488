"""The proof's results as Markdown, misses not left out."""

from collections.abc import Iterator, Sequence
from typing import Any

BOUNDS = {
    "coverage": 0.80,
    "caused": 0.90,
    "predicted": 0.25,
    "triad over C": 0.95,
    "products over OpenBLAS": 0.90,
}


def table(found: dict[str, Any]) -> str:
    return "\n".join((*_summary(found), "", *_held_out(found), "", *_caused(found), ""))


def _summary(found: dict[str, Any]) -> Iterator[str]:
    known, caused, predicted = found["known"], found["caused"], found["predicted"]
    right = sum(want == label for _, want, label in known)
    decided = [each["right"] for each in caused if each["right"] is not None]
    causes = sum(decided)
    yield "| what | found | to reach |"
    yield "|---|---|---|"
    yield f"| known answers right | {right} of {len(known)} | all |"
    wrong = sorted({f"{case}: {label}" for case, want, label in known if want != label})
    yield from (f"| – {each} | | |" for each in wrong)
    held_out = found["held_out"]
    inside = sum(each["inside"] for each in held_out)
    yield (
        f"| held-out cases within their bounds, widened by 20 % | {inside} of {len(held_out)}"
        f" ({_percent(found['coverage'])}) | {_percent(BOUNDS['coverage'])} |"
    )
    yield f"| median error of the sum of terms | {_percent(found['median_error'])} | |"
    for name, of in (("ceilings alone", "alone"), ("those of one core", "control")):
        told = f"{_percent(found[f'{of}_coverage'])}, {_percent(found[f'{of}_median_error'])}"
        yield f"| both by {name} | {told} | {'worse' if of == 'control' else ''} |"
    share = f" ({_percent(causes / len(decided))})" if decided else ""
    yield (
        f"| the labelled resource has the largest elasticity | {causes} of {len(decided)}{share} "
        f"| {_percent(BOUNDS['caused'])} |"
    )
    for case, errors in _by_case(predicted, "error").items():
        told = ", ".join(f"{error:+.0%}" for error in errors)
        yield f"| predicted {case} | {told} | ±{_percent(BOUNDS['predicted'])} |"
    inside, count = sum(each["inside"] for each in found["intervals"]), len(found["intervals"])
    share = _percent(found["intervals_coverage"])
    yield f"| predicted Transformers within their interval | {inside} of {count} ({share}) | |"
    for name, value in found["references"].items():
        yield f"| {name} | {value:.3f} | {BOUNDS[name]:.2f} |"


def _held_out(found: dict[str, Any]) -> Iterator[str]:
    """A row a case: the middle turn, and how many of them are within."""
    yield "| held-out case | label | measured | sum of terms | bounds | inside, of turns |"
    yield "|---|---|---|---|---|---|"
    for case, turns in _by_case(found["held_out"]).items():
        known = [each for each in turns if each["label"] is not None]
        inside = f"{sum(each['inside'] for each in turns)} of {len(turns)}"
        if not known:
            yield f"| {case} | none | | | | {inside} |"
            continue
        each = sorted(known, key=lambda one: float(one["measured_s"]))[len(known) // 2]
        times = (f"{1e3 * each[name]:.3g} ms" for name in ("measured_s", "usual_s"))
        bounds = f"{1e3 * each['low_s']:.3g} to {1e3 * each['high_s']:.3g} ms"
        yield f"| {case} | {each['label']} | {' | '.join(times)} | {bounds} | {inside} |"


def _by_case(rows: Sequence[dict[str, Any]], of: str | None = None) -> dict[str, list[Any]]:
    """The rows of each case, or what is told of it in them."""
    grouped: dict[str, list[Any]] = {}
    for each in rows:
        grouped.setdefault(each["case"], []).append(each if of is None else each[of])
    return grouped


def _caused(found: dict[str, Any]) -> Iterator[str]:
    yield "| case | label | elasticity: compute | bandwidth | storage | right |"
    yield "|---|---|---|---|---|---|"
    for each in found["caused"]:
        values = (each["elasticity"][name] for name in ("compute", "bandwidth", "storage"))
        told = " | ".join("" if value is None else f"{value:.2f}" for value in values)
        right = {True: "yes", False: "**no**", None: "could not be taken"}[each["right"]]
        yield f"| {each['case']} | {each['label']} | {told} | {right} |"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
