"""Cases as JUnit's test cases, in the structure that CI systems ask for."""

import re
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from harness.ab import CaseResult, not_in_common
from harness.compare import compare
from harness.compared import sides_of
from harness.nightly import NightResult
from harness.report.junit import NO_CASE, JunitCase, Suite, junit, of_comparison, of_night, of_run
from harness.report.junit import of_turns as suite_of_turns
from harness.store.reader import Failure, Reader
from harness.store.writer import Store
from tests.harness.history import SAME, add_run
from tests.harness.parsed import parsed
from tests.harness.samples import A, B, C

CHILDREN = ("properties", "failure", "skipped", "system-out")
"""Of a test case, in this order; of the second and the third at most one."""

DECIMAL = re.compile(r"\d+(\.\d+)?")


def written(*suites: Suite) -> Element:
    """Once it is found to be as junit-10.xsd and pytest have it."""
    outermost = parsed(junit(suites))
    assert outermost.tag == "testsuites"
    for suite in outermost:
        assert suite.tag == "testsuite"
        cases = list(suite)
        assert {each.tag for each in cases} <= {"testcase"}
        counts = {
            name: str(len(suite.findall(f"testcase/{name}"))) for name in ("failure", "skipped")
        }
        assert suite.attrib == {
            "name": suite.get("name"),
            "tests": str(len(cases)),
            "failures": counts["failure"],
            "errors": "0",
            "skipped": counts["skipped"],
        }
        for case in cases:
            refuse_odd(case)
    return outermost


def refuse_odd(case: Element) -> None:
    assert case.get("name")
    assert case.get("classname")
    assert case.attrib.keys() <= {"name", "classname", "time"}
    assert DECIMAL.fullmatch(case.get("time", "0"))
    tags = [each.tag for each in case]
    assert tags == [tag for tag in CHILDREN if tag in tags]
    assert not {"failure", "skipped"} <= set(tags)
    for each in case.findall("properties/*"):
        assert each.tag == "property"
        assert each.attrib.keys() == {"name", "value"}
    for each in case.findall("failure"):
        assert each.attrib.keys() == {"type", "message"}


def cases_of(suite: Suite) -> dict[str, Element]:
    return {str(each.get("name")): each for each in written(suite).iter("testcase")}


def property_of(case: Element, name: str) -> str | None:
    found = {each.get("name"): each.get("value") for each in case.iter("property")}
    return found.get(name)


def failure_of(case: Element) -> tuple[str | None, str | None] | None:
    found = case.find("failure")
    return None if found is None else (found.get("type"), found.get("message"))


def result(**changes: Any) -> CaseResult:
    told = {name: getattr(SAME, name) for name in CaseResult.__dataclass_fields__}
    return CaseResult(**told | changes)


SLOWER = {"verdict": "slower", "ratio": 1.1, "low": 1.05, "high": 1.15, "effect": 0.1}


def test_a_run_is_a_suite_of_its_cases(store: Store, url: str) -> None:
    add_run(
        store,
        {A: [1.5e-6, 2.5e-6, 2e-6], B: [2.0]},
        failures=[(B, "wrong_numbers", "off by 3\nmuch"), (None, "engine", "gone")],
        skips=[(C, "too large"), (A, "needs 2 devices")],
        measured={"warnings": ["the clock drifted"]},
    )
    with Reader(url) as reader:
        run = reader.run("latest")
        suite = of_run(
            run, reader.measurements(run.run), reader.failures(run.run), reader.skips(run.run)
        )
    assert (suite.name, suite.target) == ("jaxrig run: quick", "cpu")
    cases = cases_of(suite)
    assert list(cases) == [A, B, NO_CASE, C]
    assert cases[A].get("time") == "0.000002"
    assert [each.tag for each in cases[A]] == ["properties", "system-out"]
    assert cases[A].findtext("system-out") == "the clock drifted"
    assert property_of(cases[A], "launches") == "3"
    assert property_of(cases[A], "workload") == "matmul"
    assert failure_of(cases[B]) == ("wrong_numbers", "off by 3")
    assert cases[B].findtext("failure") == "wrong_numbers: off by 3\nmuch"
    assert failure_of(cases[NO_CASE]) == ("engine", "gone")
    skipped = cases[C].find("skipped")
    assert skipped is not None
    assert (skipped.get("message"), cases[C].get("time")) == ("too large", None)


def test_a_run_of_which_nothing_was_measured_is_one_too(store: Store, url: str) -> None:
    add_run(store, {}, skips=[(A, "too large")])
    with Reader(url) as reader:
        run = reader.run("latest")
        cases = cases_of(of_run(run, reader.measurements(run.run), (), reader.skips(run.run)))
    assert cases[A].find("skipped") is not None


def test_what_is_slower_in_turns_failed() -> None:
    found = [result(**SLOWER), result(case=B)]
    cases = cases_of(suite_of_turns("mine", found))
    assert failure_of(cases[A]) == ("slower", "time +10.0% (1.050 … 1.150)")
    assert cases[A].get("classname") == "mine"
    assert cases[A].get("time") == "1.1"
    told = {
        name: property_of(cases[A], name) for name in ("ratio", "low", "high", "verdict", "pairs")
    }
    assert told == {
        "ratio": "1.1",
        "low": "1.05",
        "high": "1.15",
        "verdict": "slower",
        "pairs": "4",
    }
    assert [each.tag for each in cases[B]] == ["properties"]


def test_a_case_is_one_test_whatever_its_metrics() -> None:
    more = {"metric": "memory", "unit": "bytes", "base": 100.0}
    cases = cases_of(suite_of_turns("cpu", [result(), result(**SLOWER | more)]))
    assert list(cases) == [A]
    assert failure_of(cases[A]) == ("slower", "memory +10.0% (1.050 … 1.150)")
    assert cases[A].get("time") == "1.0"
    assert property_of(cases[A], "verdict") == "same"
    assert property_of(cases[A], "memory_verdict") == "slower"


def test_what_is_unclear_is_no_failure() -> None:
    found = result(verdict="unclear", remarks=("some 9 pairs would decide it (--max-pairs)",))
    case = cases_of(suite_of_turns("cpu", [found]))[A]
    assert failure_of(case) is None
    assert (
        case.findtext("system-out") == "time: unclear; some 9 pairs would decide it (--max-pairs)"
    )


def test_what_was_measured_in_no_pair_has_no_time() -> None:
    """And neither ratio nor interval: a missing number is none."""
    nothing = dict.fromkeys(("ratio", "low", "high", "base", "effect"))
    case = cases_of(suite_of_turns("cpu", [result(verdict="unclear", pairs=0, **nothing)]))[A]
    assert case.get("time") is None
    assert (property_of(case, "ratio"), property_of(case, "pairs")) == (None, "0")


def test_what_one_side_lacks_is_skipped() -> None:
    cases = cases_of(suite_of_turns("cpu", [result(), *not_in_common({B: "removed"})]))
    skipped = cases[B].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "the candidate does not have it"


def test_what_failed_or_was_skipped_in_turns_is_told() -> None:
    nothing = dict.fromkeys(("ratio", "low", "high", "base", "effect"))
    unmeasured = result(case=B, verdict="unclear", pairs=0, **nothing)
    failures = [Failure(case=A, kind="crashed", message="exit code 139", launch=2)]
    found = [result(**SLOWER), unmeasured]
    cases = cases_of(suite_of_turns("cpu", found, failures, {B: "no room", C: "no room"}))
    assert failure_of(cases[A]) == ("slower", "time +10.0% (1.050 … 1.150)")
    assert str(cases[A].findtext("failure")).endswith("\ncrashed: exit code 139")
    assert [cases[name].find("skipped") is not None for name in (A, B, C)] == [False, True, True]


NIGHT: dict[str, Any] = {
    "case": A,
    "metric": "time",
    "verdict": "slower",
    "ratio": 1.3,
    "low": 1.2,
    "high": 1.4,
    "pairs": 5,
    "change": 1.1,
    "change_low": 1.05,
    "change_high": 1.15,
    "nights": 9,
    "base": 2.0,
    "effect": 0.2,
    "remarks": (),
}


def night(**changes: Any) -> NightResult:
    return NightResult(**NIGHT | changes)


def test_a_night_is_judged_by_the_nights_before() -> None:
    found = [night(), night(case=B, verdict="unclear", remarks=("too few nights",))]
    failures = [Failure(case=C, kind="raised", message="boom", launch=0)]
    cases = cases_of(of_night("cpu", found, failures, {"d": "changed since the anchor"}))
    assert failure_of(cases[A]) == ("slower", "+10.0% against the 9 nights before")
    assert cases[A].get("time") == "2.6"
    told = [property_of(cases[A], name) for name in ("ratio", "change", "change_low", "nights")]
    assert told == ["1.3", "1.1", "1.05", "9"]
    assert cases[B].findtext("system-out") == "unclear\ntoo few nights"
    assert failure_of(cases[B]) is None
    assert failure_of(cases[C]) == ("raised", "boom")
    assert cases["d"].find("skipped") is not None


def compared(url: str) -> dict[str, Element]:
    with Reader(url) as reader:
        base, candidate = sides_of(reader, "latest~1", "latest")
    comparison = compare(base, candidate, lambda _: 0.02)
    return cases_of(of_comparison("cpu", comparison))


def test_runs_apart_fail_where_they_are_slower(store: Store, url: str) -> None:
    for luck in (1.0, 1.001, 1.002, 1.001, 1.0):
        add_run(store, {A: [luck] * 3, B: [luck] * 3, C: [1.0]})
    add_run(store, {A: [1.1] * 3, B: [1.0] * 3})
    cases = compared(url)
    assert failure_of(cases[A]) is not None
    assert str(failure_of(cases[A])).startswith("('slower', 'time +10.0% (")
    assert failure_of(cases[B]) is None
    assert cases[A].get("time") == "1.1"
    assert cases[C].find("skipped") is not None


def test_between_unlike_runs_nothing_failed(store: Store, url: str) -> None:
    for _ in range(6):
        add_run(store, {A: [1.0, 1.001, 1.002]})
    for _ in range(6):
        add_run(store, {A: [2.0, 2.001, 2.002]}, isolation="process")
    with Reader(url) as reader:
        runs = reader.runs()
        base, candidate = sides_of(reader, runs[-1].run, runs[0].run)
    comparison = compare(base, candidate, lambda _: 0.02)
    (case,) = comparison.cases
    assert case.verdict == "slower"
    assert failure_of(cases_of(of_comparison("cpu", comparison))[A]) is None


def test_what_is_unclear_between_runs_says_why(store: Store, url: str) -> None:
    for _ in range(2):
        add_run(store, {A: [1.0]})
    case = compared(url)[A]
    assert failure_of(case) is None
    assert str(case.findtext("system-out")).startswith("unclear: spread between runs unknown")


def test_names_out_of_containers_are_text() -> None:
    odd = 'test_a[<x>&"\x00\x1b[31m\ud800]'
    suite = Suite(
        name=odd,
        target=odd,
        cases=(JunitCase(case=odd, failures=((odd, odd),), said=(odd,), properties={odd: odd}),),
    )
    outermost = written(suite)
    shown = re.sub("[\x00\x1b\ud800]", "\N{REPLACEMENT CHARACTER}", odd)
    (case,) = outermost.iter("testcase")
    assert (case.get("name"), case.get("classname")) == (shown, shown)
    assert (failure_of(case), case.findtext("system-out")) == ((shown, shown), shown)
    assert property_of(case, shown) == shown


@pytest.mark.parametrize(
    ("time_s", "shown"), [(1e-9, "0.000000001"), (5e-7, "0.0000005"), (3e5, "300000.0")]
)
def test_times_are_decimals(time_s: float, shown: str) -> None:
    (case,) = written(
        Suite(name="s", target="t", cases=(JunitCase(case="a", time_s=time_s),))
    ).iter("testcase")
    assert case.get("time") == shown


def test_what_failed_in_one_launch_and_was_skipped_in_another_failed() -> None:
    both = JunitCase(case=A, failures=(("crashed", "gone"),), skipped="too large")
    case = cases_of(Suite(name="s", target="t", cases=(both,)))[A]
    assert [each.tag for each in case] == ["failure"]


def test_several_runs_are_several_suites() -> None:
    suites = [Suite(name=name, target="cpu", cases=()) for name in ("ceilings", "standard")]
    assert [each.get("name") for each in written(*suites)] == ["ceilings", "standard"]
