"""Files of other tools in the database: everything that they tell, and once."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.exchange.foreign import ForeignLaunch, ForeignMachine, ForeignMeasurement, ForeignRun
from harness.exchange.formats import read
from harness.exchange.incoming import take_in
from harness.machine import Machine
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.exchange.conftest import FILES
from tests.harness.history import MACHINE, add_run
from tests.harness.samples import A
from tests.harness.store.filled import said, sizes

MEASURED = ForeignMeasurement(
    case="test_a.py::test_sum[3]",
    workload="test_a.py::test_sum",
    parameters={"n": 3},
    group="sums",
    options={"timer": "perf_counter"},
    extra_info={"note": "é"},
    samples_s=(3.0, 1 / 3, 2.0),
    rounds=3,
    median_s=2.0,
    calls_per_round=7,
    peak_rss_bytes=1 << 40,
    warnings=("odd",),
)
RUN = ForeignRun(
    format="pytest-benchmark",
    digest="ab" * 32,
    started_at=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    machine=ForeignMachine(name="ci", facts={"cpu_model": "Big CPU", "threads": 8}),
    commit="c" * 40,
    dirty=True,
    branch="main",
    suite="pytest-benchmark:thing",
    tags={"project": "thing"},
    launches=(
        ForeignLaunch(measurements=(MEASURED,), started_at=None, environment={"python": "3.11"}),
    ),
    failures=(("test_a.py::test_bad", "boom"), (None, "no one")),
    skips=(("test_a.py::test_later", "not today"),),
    unmapped=("machine_info.cpu.flags",),
)


def test_everything_that_is_told_is_kept(either_url: str) -> None:
    with Store(either_url) as store:
        taken = take_in(RUN, "out.json", store)
    assert (taken.new, taken.measurements, taken.unmapped) == (True, 1, RUN.unmapped)
    with Reader(either_url) as reader:
        run, (launch,) = reader.run("latest"), reader.launches("latest")
        row = reader.measurements("latest").iloc[0]
        failures, (skip,) = reader.failures("latest"), reader.skips("latest")
        (machine,) = reader.machines()
    assert run.run == taken.run == "20260102-030405-ababab"
    assert (run.status, run.target, run.platform, run.isolation) == (
        "failed",
        "pytest-benchmark",
        "unknown",
        "imported",
    )
    assert (run.suite, run.tags) == (RUN.suite, {"project": "thing", "branch": "main"})
    assert (run.git_commit, run.git_dirty, run.started_at) == (RUN.commit, True, RUN.started_at)
    assert (launch.started_at, launch.environment) == (RUN.started_at, {"python": "3.11"})
    assert row["samples_s"].tolist() == [3.0, 1 / 3, 2.0]
    assert (row["case"], row["parameters"], row["extra_info"]) == (
        MEASURED.case,
        {"n": 3},
        {"note": "é"},
    )
    assert (row["rounds"], row["median_s"], row["calls_per_round"]) == (3, 2.0, 7)
    assert (row["peak_rss_bytes"], row["warnings"]) == (1 << 40, ["odd"])
    assert (row["benchmark_group"], row["benchmark_options"]) == ("sums", MEASURED.options)
    assert [(each.case, each.message) for each in failures] == list(RUN.failures)
    assert (skip.case, skip.reason) == RUN.skips[0]
    assert (machine.name, machine.facts["cpu_model"], machine.facts["cores"]) == (
        "ci",
        "Big CPU",
        None,
    )


def test_it_is_told_where_it_comes_from(store: Store, url: str) -> None:
    take_in(RUN, "out.json", store)
    (origin,) = said(url)["imports"]
    for told in ("'format', 'pytest-benchmark'", RUN.digest, "out.json", *RUN.unmapped):
        assert told in origin


def test_taken_in_twice_it_is_there_once(store: Store, url: str) -> None:
    first = take_in(RUN, "out.json", store)
    before = said(url)
    again = take_in(RUN, "copy of out.json", store)
    assert (again.run, again.new) == (first.run, False)
    assert said(url) == before


def test_without_samples_there_is_a_summary(store: Store, url: str) -> None:
    told = replace(MEASURED, samples_s=None, rounds=None, summary={"min_s": 1.0}, warnings=())
    launch = replace(RUN.launches[0], measurements=(told,))
    take_in(replace(RUN, launches=(launch,), started_at=None), "out.json", store)
    with Reader(url) as reader:
        row, run = reader.measurements("latest").iloc[0], reader.run("latest")
    assert (row["samples_s"], row["summary"], row["median_s"]) == (None, {"min_s": 1.0}, 2.0)
    assert "does not tell how many rounds" in row["warnings"][0]
    assert run.started_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert any("counts as of 1970" in each for each in said(url)["imports"])


def test_what_cannot_be_stored_is_refused_whole(store: Store, url: str) -> None:
    told = replace(MEASURED, samples_s=None, rounds=1 << 40)
    launch = replace(RUN.launches[0], measurements=(MEASURED, told))
    with pytest.raises(UsageError, match="rounds are more than can be stored"):
        take_in(replace(RUN, launches=(launch,)), "out.json", store)
    assert sizes(url)["runs"] == 0


def test_runs_of_one_second_and_digest_have_names_of_their_own(store: Store) -> None:
    names = [
        take_in(replace(RUN, digest=f"ababab{each}{0:057x}"), "out.json", store).run
        for each in range(3)
    ]
    assert names == [
        "20260102-030405-ababab",
        "20260102-030405-ababab-2",
        "20260102-030405-ababab-3",
    ]


def test_a_told_machine_is_never_a_measured_one(store: Store, url: str) -> None:
    add_run(store, {A: [1.0]})
    facts = {name: getattr(MACHINE, name) for name in Machine.__dataclass_fields__}
    del facts["name"]
    told = ForeignMachine(name=MACHINE.name, facts=facts | {"caches": [], "gpus": []})
    take_in(replace(RUN, machine=told), "a.json", store)
    unknown = ForeignMachine(name="one", facts={"threads": 2})
    take_in(replace(RUN, machine=unknown, digest="01" * 32), "b.json", store)
    take_in(replace(RUN, machine=replace(unknown, name="two"), digest="02" * 32), "c.json", store)
    renamed = replace(told, name="of another container")
    take_in(replace(RUN, machine=renamed, digest="03" * 32), "d.json", store)
    with Reader(url) as reader:
        machines = [(each.machine.startswith("told-"), each.runs) for each in reader.machines()]
    # Without a processor, the name is what tells two machines apart.
    assert machines == [(False, 1), (True, 2), (True, 1), (True, 1)]


@pytest.mark.parametrize("path", sorted(FILES.glob("*.json")), ids=lambda path: path.name)
def test_real_files_of_every_tool_are_taken_in(path: Path, store: Store, url: str) -> None:
    (run,) = read(path)
    taken = take_in(run, path.name, store)
    with Reader(url) as reader:
        rows = reader.measurements(taken.run)
    wanted = [each for launch in run.launches for each in launch.measurements]
    assert list(rows["case"]) == [each.case for each in wanted]
    for (_, row), each in zip(rows.iterrows(), wanted, strict=True):
        assert row["median_s"] == each.median_s
        if each.samples_s:
            assert tuple(row["samples_s"]) == each.samples_s
