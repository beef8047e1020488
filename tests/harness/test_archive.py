"""What a report reads of a database."""

import pytest

from harness.archive import Archive, read_archive
from harness.store.filters import Filters
from harness.store.writer import Store
from tests.harness.history import MACHINE, add_run, begin_run
from tests.harness.samples import A, B, parsed_environment, parsed_measurement


def archive(url: str, **wanted: object) -> Archive:
    return read_archive(url, Filters(**wanted), lambda _: 0.02)  # type: ignore[arg-type]


@pytest.fixture
def either_store(either_url: str) -> Store:
    return Store(either_url)


def test_a_case_is_measured_in_its_launches_in_order(either_url: str) -> None:
    with Store(either_url) as store:
        first = add_run(store, {B: [1.0], A: [3.0, 1.0, 2.0]})
        second = add_run(store, {A: [5.0]}, measured={"peak_rss_bytes": 7, "hlo_sha256": "1" * 64})
    found = archive(either_url)
    assert list(found.measured) == sorted([A, B])
    one, other = found.measured[A]
    assert (one.run, one.medians_s, one.median_s) == (first, (3.0, 1.0, 2.0), 2.0)
    assert (other.run, other.peak_bytes, other.hlo) == (second, 7, "1" * 64)
    assert one.compile_time_s == pytest.approx(0.33)
    assert found.environments[one.environment or 0]["jax"] == "0.9.0"


def test_a_run_keeps_its_circumstances(either_url: str) -> None:
    with Store(either_url) as store:
        fine = add_run(store, {A: [1.0]})
        failed = add_run(
            store,
            {A: [1.0, 2.0]},
            status="failed",
            failures=[(A, "raised", "boom")],
            skips=[(B, "too large")],
            log="last words\n",
        )
    found = archive(either_url)
    assert list(found.runs) == [fine, failed]
    (failure,) = found.failures[failed]
    assert (failure.case, failure.kind, failure.launch) == (A, "raised", 0)
    assert {(each.case, each.reason) for each in found.skips[failed]} == {(B, "too large")}
    assert [each.log for each in found.processes[failed]] == ["last words\n"] * 2
    assert [each.log for each in found.processes[fine]] == [None]
    assert found.processes[fine][0].noise == {"load_before": 0.5}
    assert fine not in found.failures


def test_filters_hold_for_all_of_it(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0], B: [1.0]}, failures=[(A, "raised", "boom")])
        other = add_run(store, {A: [1.0], B: [1.0]}, target="other")
    found = archive(either_url, cases=["matmul/256/*"], target="other")
    assert (list(found.runs), list(found.measured)) == ([other], [A])
    assert (list(found.processes), dict(found.failures)) == ([other], {})


def test_runs_that_were_compared_with_are_not_the_latest(store: Store, url: str) -> None:
    ids, names = zip(*(begin_run(store, cases=[A]) for _ in range(2)), strict=True)
    for run in ids:
        launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
        store.set_environment(launch, parsed_environment())
        store.add_measurement(launch, parsed_measurement(A, [1.0]))
        store.end_launch(launch, status="done", exit_code=0, noise=None, log="")
        store.end_run(run, "done")
    store.pair_runs(*reversed(ids), rounds=21, rule={})
    assert [run.run for run in archive(url).latest] == [names[0]]


def test_a_regression_is_open_until_it_is_made_good(store: Store, url: str) -> None:
    for night in range(45):
        add_run(store, {A: [(1.0, 1.2, 1.0)[night // 15]], B: [(1.0, 1.2, 1.1)[night // 15]]})
    (found,) = archive(url).open
    assert (found.where["case"], found.state) == (B, "detected")
    assert found.ratio == pytest.approx(1.2)


def test_machines_of_one_name_are_told_apart(store: Store, url: str) -> None:
    from dataclasses import replace

    for cores in (2, 4):
        add_run(store, {A: [1.0]}, machine=replace(MACHINE, cores=cores))
    add_run(store, {A: [1.0]}, machine=replace(MACHINE, name="node07", cores=8))
    names = set(archive(url).machine_names.values())
    assert "node07" in names
    assert sorted(len(name) for name in names) == [6, 16, 16]
