"""Cases as tests that CI systems show: JUnit's XML (`--junit FILE`).

JUnit has no schema of its own. This is what Jenkins asks for (junit-10.xsd of
https://github.com/jenkinsci/xunit-plugin), and what pytest writes: suites of test cases, each with
properties, a failure or a reason why it was skipped, and what else is to be said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from harness.report import markup
from harness.told import told

if TYPE_CHECKING:
    import pandas as pd

    from harness.ab import CaseResult
    from harness.compare import Comparison
    from harness.nightly import NightResult
    from harness.store.reader import Failure, Run, Skip

NO_CASE = "no single case"
"""The name of what failed and is of none."""

SLOWER = "slower"


@dataclass(frozen=True, kw_only=True)
class JunitCase:
    """A case as a test. `time_s`: the median of a call; None: it was not measured. `failures`: kind
    and message of each, none where it passed; `said`: what is no failure."""

    case: str
    time_s: float | None = None
    properties: Mapping[str, float | str | None] = field(default_factory=dict)
    failures: tuple[tuple[str, str], ...] = ()
    skipped: str | None = None
    said: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Suite:
    """`target`: the class that its cases are shown in."""

    name: str
    target: str
    cases: tuple[JunitCase, ...]


def write(suites: Iterable[Suite], path: Path) -> None:
    """Raises OSError."""
    path.write_text(junit(suites), encoding="utf-8")


def junit(suites: Iterable[Suite]) -> str:
    """The file's text."""
    outermost = markup.root("testsuites", name="jaxrig")
    for suite in suites:
        failed = sum(bool(each.failures) for each in suite.cases)
        skipped = sum(_is_skipped(each) for each in suite.cases)
        made = markup.child(
            outermost,
            "testsuite",
            name=suite.name,
            tests=str(len(suite.cases)),
            failures=str(failed),
            errors="0",
            skipped=str(skipped),
        )
        for each in suite.cases:
            _add(made, suite.target, each)
    return markup.document(outermost)


def of_run(
    run: "Run",
    measurements: "pd.DataFrame",
    failures: Sequence["Failure"],
    skips: Sequence["Skip"],
) -> Suite:
    """`jaxrig run`: what was measured, what failed, and what could not run there."""
    measured = (
        JunitCase(
            case=str(case),
            time_s=float(rows["median_s"].median()),
            properties={
                "launches": str(len(rows)),
                "workload": told(rows["workload"].iloc[0]),
            },
            said=tuple(dict.fromkeys(chain.from_iterable(rows["warnings"]))),
        )
        for case, rows in (measurements.groupby("case", sort=False) if len(measurements) else ())
    )
    reasons = {each.case: each.reason for each in skips}
    cases = _with_others(measured, failures, reasons)
    return Suite(name=f"jaxrig run: {run.suite}", target=run.target, cases=tuple(cases))


def of_turns(
    target: str,
    results: Sequence["CaseResult"],
    failures: Sequence["Failure"] = (),
    skipped: Mapping[str, str] | None = None,
) -> Suite:
    """`jaxrig ab`: a case with its metrics; it failed where one of them is slower."""
    by_case: dict[str, list[CaseResult]] = {}
    for each in results:
        by_case.setdefault(each.case, []).append(each)
    measured = [_in_turns(case, found) for case, found in by_case.items()]
    cases = _with_others(measured, failures, skipped or {})
    return Suite(name="jaxrig ab", target=target, cases=tuple(cases))


def of_night(
    target: str,
    results: Sequence["NightResult"],
    failures: Sequence["Failure"],
    skipped: Mapping[str, str],
) -> Suite:
    """`jaxrig nightly`: a case failed where it is slower than in the nights before."""
    measured = [_tonight(each) for each in results]
    cases = _with_others(measured, failures, skipped)
    return Suite(name="jaxrig nightly", target=target, cases=tuple(cases))


def of_comparison(target: str, comparison: "Comparison") -> Suite:
    """`jaxrig compare` of runs that were measured apart. Between unlike ones nothing is a
    regression."""
    cases = [
        JunitCase(
            case=each.case,
            time_s=each.candidate_median_s,
            properties=_judged(each, ("ratio", "low", "high", "verdict")),
            failures=_slower([each]) if each.case in comparison.regressions else (),
            skipped="the candidate does not have it" if each.presence == "removed" else None,
            said=(*each.differences, *_unclear(each.verdict, each.settle)),
        )
        for each in comparison.cases
    ]
    return Suite(name="jaxrig compare", target=target, cases=tuple(cases))


def _in_turns(case: str, results: Sequence["CaseResult"]) -> JunitCase:
    names = ("ratio", "low", "high", "verdict", "pairs")
    time, *others = results
    properties = dict(_judged(time, names))
    for each in others:
        properties |= {f"{each.metric}_{name}": x for name, x in _judged(each, names).items()}
    return JunitCase(
        case=case,
        time_s=None if time.base is None or time.effect is None else time.base + time.effect,
        properties=properties,
        failures=_slower(results),
        skipped=None if time.presence == "both" else "; ".join(time.remarks),
        said=tuple(
            f"{each.metric.replace('_', ' ')}: {'; '.join((each.verdict, *each.remarks))}"
            for each in results
            if each.verdict == "unclear" or each.remarks
        ),
    )


def _tonight(each: "NightResult") -> JunitCase:
    names = ("ratio", "low", "high", "change", "change_low", "change_high", "verdict", "pairs")
    how_much = "" if each.change is None else f"{each.change - 1:+.1%} "
    slower = ((SLOWER, f"{how_much}against the {each.nights} nights before"),)
    return JunitCase(
        case=each.case,
        time_s=None if each.base is None or each.ratio is None else each.base * each.ratio,
        properties=_judged(each, (*names, "nights")),
        failures=slower if each.verdict == SLOWER else (),
        said=(*_unclear(each.verdict), *each.remarks),
    )


def _with_others(
    measured: Iterable[JunitCase], failures: Sequence["Failure"], skipped: Mapping[str, str]
) -> Iterator[JunitCase]:
    """Also what failed or could not run and was not measured."""
    failed: dict[str, list[tuple[str, str]]] = {}
    for each in failures:
        failed.setdefault(each.case or NO_CASE, []).append((each.kind, each.message))
    left = dict.fromkeys((*failed, *skipped))
    for one in measured:
        left.pop(one.case, None)
        yield replace(
            one,
            failures=(*one.failures, *failed.get(one.case, ())),
            skipped=skipped.get(one.case, one.skipped) if one.time_s is None else one.skipped,
        )
    for case in left:
        yield JunitCase(case=case, failures=tuple(failed.get(case, ())), skipped=skipped.get(case))


def _judged(each: Any, names: Sequence[str]) -> dict[str, float | str | None]:
    return {name: getattr(each, name) for name in names}


def _slower(results: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    """Of a case's metrics those that are slower, and by how much."""
    return tuple((SLOWER, _how_much(each)) for each in results if each.verdict == SLOWER)


def _how_much(each: Any) -> str:
    interval = f"({each.low:.3f} … {each.high:.3f})"
    return f"{each.metric.replace('_', ' ')} {each.ratio - 1:+.1%} {interval}"


def _unclear(verdict: str, why: str | None = None) -> tuple[str, ...]:
    return (f"unclear: {why}" if why else "unclear",) if verdict == "unclear" else ()


def _is_skipped(each: JunitCase) -> bool:
    """What failed was not skipped, whatever another launch made of it."""
    return each.skipped is not None and not each.failures


def _add(suite: Element, target: str, each: JunitCase) -> None:
    time = {} if each.time_s is None else {"time": _decimal(each.time_s)}
    case = markup.child(suite, "testcase", classname=target, name=each.case, **time)
    known = {name: value for name, value in each.properties.items() if value is not None}
    if known:
        properties = markup.child(case, "properties")
        for name, value in known.items():
            markup.child(properties, "property", name=name, value=str(value))
    if each.failures:
        _add_failure(case, each.failures)
    elif each.skipped is not None:
        markup.child(case, "skipped", message=each.skipped)
    if each.said:
        markup.child(case, "system-out", "\n".join(each.said))


def _add_failure(case: Element, failures: Sequence[tuple[str, str]]) -> None:
    """One: the first, with all of them as its text."""
    kind, message = failures[0]
    everything = "\n".join(f"{kind}: {message}" for kind, message in failures)
    markup.child(case, "failure", everything, type=kind, message=message.partition("\n")[0])


def _decimal(value: float) -> str:
    """All its digits, and no exponent, which XML Schema's decimals do not have."""
    return f"{Decimal(repr(value)):f}"
