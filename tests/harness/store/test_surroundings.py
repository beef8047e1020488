"""What stands beside runs, on both databases."""

from collections.abc import Iterator

import pytest

from harness.store import surroundings
from harness.store.surroundings import list_surroundings
from harness.store.writer import Store
from tests.harness.history import add_run, begin_run
from tests.harness.samples import A, B, parsed_benchmark, parsed_environment, parsed_measurement

ONE, OTHER = ("1" * 64, "2" * 64)


@pytest.fixture
def either(either_url: str) -> Iterator[Store]:
    with Store(either_url) as opened:
        yield opened


def test_software_is_what_the_first_launch_said_that_did(either: Store, either_url: str) -> None:
    run, name = begin_run(either)
    for index, jaxlib in enumerate((None, "0.9.1", "0.9.2")):
        launch = either.begin_launch(run, index=index, part=0, limits={}, env={})
        if jaxlib:
            told = parsed_environment(jaxlib=jaxlib)
            either.set_environment(launch, told, {"kernel": "6.1", "gpu_driver": None})
    found = list_surroundings(either_url, {name}, ())
    assert found.software == {name: {"jaxlib": "0.9.1", "kernel": "6.1"}}


def test_noise_is_the_median_over_launches_that_tell_it(either: Store, either_url: str) -> None:
    run, name = begin_run(either)
    told = ({"steal_share": 0.5, "busy_share": 0.25}, None, {"steal_share": 0.1}, {"load": 1})
    for index, noise in enumerate(told):
        launch = either.begin_launch(run, index=index, part=0, limits={}, env={})
        either.end_launch(launch, status="done", exit_code=0, noise=noise, log="")
    found = list_surroundings(either_url, {name}, ())
    assert found.shares[name] == pytest.approx({"steal_share": 0.3, "busy_share": 0.25})


def test_code_is_told_of_the_cases_that_are_asked_for(either: Store, either_url: str) -> None:
    first = add_run(either, {A: [1.0], B: [1.0]}, measured={"hlo_sha256": ONE})
    second = add_run(either, {A: [1.0], B: [1.0]}, measured={"hlo_sha256": OTHER})
    found = list_surroundings(either_url, (), {(first, A), (second, B)})
    assert found.code == {(first, A): {ONE}, (second, B): {OTHER}}
    assert (found.software, found.shares) == ({}, {})


def test_launches_may_be_compiled_differently_or_not_at_all(either: Store, either_url: str) -> None:
    run, name = begin_run(either)
    for index, code in enumerate((ONE, OTHER, None)):
        launch = either.begin_launch(run, index=index, part=0, limits={}, env={})
        either.add_measurement(launch, parsed_measurement(A, hlo_sha256=code))
        either.add_measurement(launch, parsed_benchmark("t.py::test_a[1]"))
    found = list_surroundings(either_url, (), {(name, A), (name, "t.py::test_a[1]")})
    assert found.code == {(name, A): {ONE, OTHER}}


def test_of_many_runs_some_are_asked_at_once(
    either: Store, either_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [add_run(either, {A: [1.0]}, measured={"hlo_sha256": ONE}) for _ in range(5)]
    monkeypatch.setattr(surroundings, "_RUNS", 2)
    found = list_surroundings(either_url, names, {(name, A) for name in names})
    assert set(found.software) == set(names)
    assert set(found.code) == {(name, A) for name in names}


def test_of_a_run_that_is_not_there_nothing_is_known(either: Store, either_url: str) -> None:
    found = list_surroundings(either_url, {"none"}, {("none", A)})
    assert (found.software, found.shares, found.code) == ({}, {}, {})
