"""Files of other tools in the database: everything that they tell, and once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.exchange.foreign import (
    ForeignLaunch,
    ForeignMachine,
    ForeignMeasurement,
    ForeignRun,
    Format,
)
from harness.exchange.formats import read
from harness.exchange.incoming import take_in
from harness.machine import Machine
from harness.store.prune import prune
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
    suite="pytest-benchmark:thing",
    launches=(
        ForeignLaunch(measurements=(MEASURED,), started_at=None, environment={"branch": "main"}),
    ),
    failures=(("test_a.py::test_bad", "boom"), (None, "no one")),
    skips=(("test_a.py::test_later", "not today"),),
    unmapped=("machine_info.cpu.flags",),
)


def test_everything_that_is_told_is_kept(either_url: str) -> None:
    with Store(either_url) as store:
        taken = take_in(RUN, "out.json", store)
    assert (taken.added.new, taken.measurements, taken.unmapped) == (True, 1, RUN.unmapped)
    with Reader(either_url) as reader:
        run, (launch,) = reader.run("latest"), reader.launches("latest")
        row = reader.measurements("latest").iloc[0]
        failures, (skip,) = reader.failures("latest"), reader.skips("latest")
        (machine,) = reader.machines()
    assert run.run == taken.added.name == "20260102-030405-ababab"
    assert (run.status, run.target, run.platform, run.isolation) == (
        "failed",
        "pytest-benchmark",
        "unknown",
        "imported",
    )
    assert (run.suite, run.tags) == (RUN.suite, {})  # who tags a run wants to keep it
    assert (run.git_commit, run.git_dirty, run.started_at) == (RUN.commit, True, RUN.started_at)
    assert (launch.started_at, launch.environment) == (RUN.started_at, {"branch": "main"})
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
    assert (again.added.name, again.added.new) == (first.added.name, False)
    assert said(url) == before


def test_without_samples_there_is_a_summary(store: Store, url: str) -> None:
    told = replace(
        MEASURED, samples_s=None, rounds=None, calls_per_round=None, summary={"min_s": 1.0}
    )
    launch = replace(RUN.launches[0], measurements=(told,))
    take_in(replace(RUN, launches=(launch,)), "out.json", store)
    with Reader(url) as reader:
        row = reader.measurements("latest").iloc[0]
    assert (row["samples_s"], row["summary"], row["median_s"]) == (None, {"min_s": 1.0}, 2.0)
    assert (row["rounds"], row["calls_per_round"]) == (None, None)  # and no number in their place


def test_a_run_of_no_known_time_counts_as_of_its_import_and_is_there_once(
    store: Store, url: str
) -> None:
    undated = replace(RUN, started_at=None)
    before = datetime.now(UTC)
    first, again = (take_in(undated, "out.json", store) for _ in range(2))
    told = "when it was measured: not told, so that it counts as of its import"
    assert (again.added.name, again.added.new) == (first.added.name, False)
    assert first.unmapped == (*RUN.unmapped, told)
    with Reader(url) as reader:
        (run,) = reader.runs()
    assert before <= run.started_at <= datetime.now(UTC)  # as old as it is here: prune goes by age
    assert told in next(iter(said(url)["imports"]))


def test_imported_runs_are_pruned_by_their_age(store: Store, url: str) -> None:
    dated = take_in(RUN, "out.json", store).added.name
    take_in(replace(RUN, started_at=None, digest="cd" * 32), "undated.json", store)
    found = prune(
        url, datetime(2026, 1, 3, tzinfo=UTC), whole_runs=True, dry_run=True, say=pytest.fail
    )
    assert (found.runs, found.kept) == ((dated,), 0)


def test_what_cannot_be_stored_is_refused_whole(store: Store, url: str) -> None:
    told = replace(MEASURED, samples_s=None, rounds=1 << 40)
    launch = replace(RUN.launches[0], measurements=(MEASURED, told))
    with pytest.raises(UsageError, match=r"cannot import out\.json: test_a.* rounds are more than"):
        take_in(replace(RUN, launches=(launch,)), "out.json", store)
    assert sizes(url)["runs"] == 0


def test_runs_of_one_second_and_digest_have_names_of_their_own(store: Store) -> None:
    names = [
        take_in(replace(RUN, digest=f"ababab{each}{0:057x}"), "out.json", store).added.name
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
        rows = reader.measurements(taken.added.name)
    wanted = [each for launch in run.launches for each in launch.measurements]
    assert list(rows["case"]) == [each.case for each in wanted]
    for (_, row), each in zip(rows.iterrows(), wanted, strict=True):
        assert row["median_s"] == each.median_s
        if each.samples_s:
            assert tuple(row["samples_s"]) == each.samples_s


def test_what_a_database_refuses_is_the_file_s_fault(either_url: str) -> None:
    launch = replace(RUN.launches[0], measurements=(MEASURED, MEASURED))
    with Store(either_url) as store:
        with pytest.raises(UsageError, match=r"cannot import odd\.json: it cannot be stored: "):
            take_in(replace(RUN, launches=(launch,)), "odd.json", store)
        assert take_in(RUN, "out.json", store).added.new
    assert sizes(either_url)["runs"] == 1


def measured(*cases: str, median_s: float = 1.0) -> ForeignLaunch:
    each = [
        replace(MEASURED, case=case, samples_s=(median_s,), median_s=median_s) for case in cases
    ]
    return replace(RUN.launches[0], measurements=tuple(each))


def state(number: int, *launches: ForeignLaunch, tool: Format = "asv") -> ForeignRun:
    return replace(
        RUN, format=tool, digest=f"{number:02x}" * 32, launches=launches, failures=(), skips=()
    )


def test_what_a_growing_file_told_before_is_replaced(store: Store, url: str) -> None:
    first = take_in(state(1, measured("a")), "c0ffee-env.json", store).added
    grown = take_in(state(2, measured("a", "b")), "c0ffee-env.json", store).added
    anew = take_in(state(3, measured("b", "a", median_s=2.0)), "c0ffee-env.json", store).added
    assert (grown.new, grown.replaced) == (True, (first.name,))
    assert (anew.new, anew.replaced, anew.others) == (True, (grown.name,), ())
    with Reader(url) as reader:
        (run,) = reader.runs()
        assert set(reader.measurements(run.run)["median_s"]) == {2.0}
    assert (sizes(url)["imports"], sizes(url)["launches"]) == (1, 1)


def test_an_earlier_state_is_known_where_a_later_one_is(store: Store, url: str) -> None:
    later = take_in(state(2, measured("a", "b")), "x.json", store).added
    before = said(url)
    earlier = take_in(state(1, measured("a")), "x.json", store).added
    assert (earlier.name, earlier.new) == (later.name, False)
    assert said(url) == before


def test_a_state_that_lacks_a_case_is_kept_beside_the_other(store: Store, url: str) -> None:
    first = take_in(state(1, measured("a", "b")), "x.json", store).added
    other = take_in(state(2, measured("a", median_s=2.0)), "x.json", store).added
    assert (other.new, other.replaced, other.others) == (True, (), (first.name,))
    assert sizes(url)["runs"] == 2


def test_processes_that_were_appended_replace_the_run_without_them(store: Store, url: str) -> None:
    one, two = measured("a"), measured("a", median_s=2.0)
    undone = replace(state(1, one, tool="pyperf"), commit=None)
    first = take_in(undone, "x.json", store).added
    more = take_in(replace(undone, digest="02" * 32, launches=(one, two)), "y.json", store).added
    assert more.replaced == (first.name,)
    # Measured anew it is another run, whatever the file is called.
    anew = replace(undone, digest="03" * 32, launches=(two,), started_at=datetime.now(UTC))
    assert take_in(anew, "y.json", store).added.replaced == ()
    assert sizes(url)["runs"] == 2


def test_another_result_is_no_state_of_it(store: Store, url: str) -> None:
    take_in(state(1, measured("a")), "x.json", store)
    for number, (file, commit) in enumerate((("y.json", RUN.commit), ("x.json", "d" * 40)), 2):
        other = replace(state(number, measured("a", "b")), commit=commit)
        other = replace(other, started_at=datetime(2026, 2, number, tzinfo=UTC))
        assert take_in(other, file, store).added.replaced == ()
    assert sizes(url)["runs"] == 3


def test_two_that_take_in_the_same_at_once_find_it(postgresql_url: str) -> None:
    """PostgreSQL's; SQLite's writers take turns anyway."""
    runs = [
        replace(state(number, measured("a", median_s=number + 1.0)), commit=str(number))
        for number in range(10)
    ]
    Store(postgresql_url).close()

    def take_all(_: int) -> list[bool]:
        with Store(postgresql_url) as store:
            return [take_in(run, "x.json", store).added.new for run in runs]

    with ThreadPoolExecutor(4) as pool:
        news = list(pool.map(take_all, range(4)))
    assert sum(map(sum, news)) == sizes(postgresql_url)["runs"] == 10
