"""What is asked for is what is found, on both databases, whatever the names are."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import harness
from harness.errors import UsageError
from harness.store.database import open_for_reading
from harness.store.filters import Filters, check, check_target
from harness.store.links import link
from harness.store.names import ImageName, MachineName, Names, read_names
from harness.store.writer import Store
from tests.benchmarks.years import BEGAN, Years, fill
from tests.harness.history import MACHINE, add_run
from tests.harness.samples import A, B, parsed_benchmark

NASTY = (
    "'; DROP TABLE runs; --",
    '" OR 1=1 --',
    "100%",
    "a_b",
    "\\",
    "$.x",
    "a\"b'c",
    ":name %s ? $1",
    "[a]",
    "é\U0001f525",
    "x" * 500,
)


def found(url: str, *cases: str, **wanted: Any) -> list[str]:
    """The runs whose measurements match, in order."""
    with harness.open(url) as results:
        return list(dict.fromkeys(results.history(*cases, **wanted).sort_values("run")["run"]))


@pytest.fixture
def nasty(either_url: str) -> Mapping[str, str]:
    """A run for each nasty word, which is its target, suite, tag's key and value, and commit."""
    with Store(either_url) as store:
        return {
            word: add_run(
                store,
                {A: [1.0]},
                target=word,
                suite=word,
                git_commit=word,
                tags={word: word, "both": "x"},
                image=(f"sha256:{number:064x}", word),
                machine=replace(MACHINE, name=word, cores=number + 1),
            )
            for number, word in enumerate(NASTY)
        }


def test_sql_in_any_name_is_data(either_url: str, nasty: Mapping[str, str]) -> None:
    with harness.open(either_url) as results:

        def runs(**wanted: Any) -> list[str]:
            return results.history(**wanted)["run"].tolist()

        for word, run in nasty.items():
            for name in ("target", "suite", "image", "machine", "commit"):
                assert runs(**{name: word}) == [run], (name, word)
            assert runs(tags={word: word}) == [run]
            assert runs(tags={word: word, "both": "x"}) == [run]
            assert runs(tags={word: "x"}) == []
            assert runs(tags={"both": word}) == []
            assert runs(isolation=word) == runs(jax=word) == runs(statuses=[word]) == []
        assert len(runs(tags={"both": "x"})) == len(NASTY)
        assert len(results.runs()) == len(NASTY)


def test_case_names_are_matched_alike_by_both_databases(either_url: str) -> None:
    names = [*(f"t.py::test[{word}]" for word in NASTY[:-1]), "a/b", "A/b", "a/c"]
    with Store(either_url) as store:
        begun = [add_run(store, {A: [1.0]})]
        run, name = store.begin_run(**_facts(names))
        launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
        for case in names:
            store.add_measurement(launch, parsed_benchmark(case))
    with harness.open(either_url) as results:

        def cases(*globs: str) -> list[str]:
            return results.history(*globs)["case"].tolist()

        for case in names:  # brackets are a glob's, but a name is a name
            assert cases(case) == [case]
        assert cases("a/*") == ["a/b", "a/c"]
        assert cases("?/b") == ["A/b", "a/b"]
        assert cases("[ab]/[!c]", "a/b") == ["a/b"]
        assert cases("a/%") == cases("a/_") == []
        assert len(cases()) == len(cases("*")) == len(names) + len(begun)
    assert found(either_url, A) == begun
    assert name in found(either_url, "t.py*")


def _facts(cases: list[str]) -> dict[str, Any]:
    return {
        "machine": MACHINE,
        "image": None,
        "cases": cases,
        "target": "cpu",
        "platform": "cpu",
        "isolation": "process",
        "suite": "own:t",
        "launches_planned": 1,
        "tags": {},
        "git_commit": None,
        "git_dirty": None,
        "jaxrig_version": "0.1.0",
        "owner": "x",
        "deadline_at": datetime.now(UTC),
    }


def test_linked_machines_are_one_under_the_last_one_s_fingerprint(either_url: str) -> None:
    machines = [replace(MACHINE, name=f"node{n}", cores=n) for n in (1, 2, 3, 4)]
    first, second, third, other = (machine.fingerprint for machine in machines)
    with Store(either_url) as store:
        runs = [add_run(store, {A: [1.0]}, machine=machine) for machine in machines]
    link(either_url, first, second)
    link(either_url, second, third)
    with harness.open(either_url) as results:
        frame = results.history()
        shown = dict(zip(frame["run"], frame["machine"], strict=True))
        assert shown == dict(zip(runs, [third, third, third, other], strict=True))
        assert set(results.runs()["machine"]) == {third, other}
        for name in (first, second[:10], third, "node1", "node3"):
            assert sorted(results.history(machine=name)["run"]) == sorted(runs[:3])
            assert sorted(results.runs(machine=name)["run"]) == sorted(runs[:3])
            assert set(results.measurements(machine=name)["machine"]) == {third}
        assert results.history(machine="node4")["run"].tolist() == [runs[3]]


def test_dates_versions_and_images_select(either_url: str) -> None:
    years = Years(machines=2, targets=2, cases=3, nights=12, samples=3)
    fill(either_url, years)
    third = BEGAN + timedelta(days=2)
    with harness.open(either_url) as results:

        def nights(**wanted: Any) -> set[int]:
            moments = results.history(years.case(0), **wanted)["started_at"]
            return {(moment - BEGAN).days for moment in moments}

        assert nights(since=third) == set(range(2, 12))
        assert nights(until=third) == {0, 1}
        assert nights(since=third, until=third + timedelta(minutes=1)) == {2}
        assert nights(since="2024-01-11") == {10, 11}
        image = results.history(since="2024-01-11", target="cpu")["image"].iloc[0]
        assert nights(image=image) == nights(image=image[:20]) == nights(image=image[7:15])
        assert nights(image=image) == nights(image="jaxrig/cpu:*1") == {10, 11}
        assert nights(jax="0.9.1", target="cpu") == set()
        assert len(nights(jax="0.9.1")) == 12
        commit = results.history(until="2024-01-02")["git_commit"].iloc[0]
        assert nights(commit=commit) == nights(commit=commit[:9]) == {0}
        assert nights(commit=commit[:9].upper()) == set()
        assert nights(tags={"night": "7"}) == {7}
        with pytest.raises(UsageError, match="has no zone"):
            results.history(since=third.replace(tzinfo=None))
        with pytest.raises(UsageError, match="since: 'soon' is no moment"):
            results.history(since="soon")


def test_runs_are_selected_by_how_they_ended(either_url: str) -> None:
    with Store(either_url) as store:
        done, failed = add_run(store, {A: [1.0]}), add_run(store, {B: [1.0]}, status="failed")
    assert found(either_url, statuses=["failed"]) == [failed]
    assert found(either_url, run="latest~1") == [done]
    with harness.open(either_url) as results:
        assert results.runs(B)["run"].tolist() == [failed]
        assert results.runs(jax="0.9.0")["run"].tolist() == [failed, done]
        with pytest.raises(UsageError, match="no single run is named 'nobody'"):
            results.history(run="nobody")


NAMES = Names(
    cases={1: "matmul/256/f32", 2: "matmul/512/f32"},
    machines={1: MachineName(fingerprint="00aa", name="node1", counts_as="00aa")},
    images={1: ImageName(digest="sha256:00bb", tag="jaxrig/cpu:1")},
    jax={1: "0.9.0", 2: None},
)


@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        (
            {"cases": ["matmul/*", "matmull/256/f32"]},
            "matches 'matmull/256/f32'; near are: matmul/256",
        ),
        ({"cases": ["zzz"]}, "no stored case matches 'zzz'$"),
        ({"machine": "node2"}, "no stored machine is named 'node2'; near are: node1"),
        ({"machine": ""}, "no stored machine is named ''"),
        ({"image": "jaxrig/cpu:2"}, "image is named 'jaxrig/cpu:2'; near are: jaxrig/cpu:1"),
        ({"image": ""}, "image is named ''"),
        ({"jax": "0.9.1"}, "no stored run had JAX '0.9.1'; near are: 0.9.0"),
    ],
)
def test_unknown_names_are_told_with_those_that_are_near(
    filters: Mapping[str, Any], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        check(Filters(**filters), NAMES)


def test_known_names_pass() -> None:
    check(Filters(cases=["matmul/*"], machine="00", image="00b", jax="0.9.0"), NAMES)
    check_target("cpu", ["cpu"])
    with pytest.raises(UsageError, match="no stored run is of target 'cpi'; near are: cpu"):
        check_target("cpi", ["cpu", "cuda"])


def test_names_are_read(store: Store, url: str) -> None:
    add_run(store, {A: [1.0]})
    engine = open_for_reading(url)
    with engine.connect() as connection:
        names = read_names(connection)
    engine.dispose()
    assert list(names.cases.values()) == [A]
    assert [each.counts_as for each in names.machines.values()] == [MACHINE.fingerprint]
    assert list(names.jax.values()) == ["0.9.0"]
