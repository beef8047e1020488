"""One database taken into another: everything, once, wherever it was stopped before."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import event

from harness.errors import DatabaseFailure, UsageError
from harness.store.links import link
from harness.store.merge import merge
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.harness.history import MACHINE, add_run, begin_run
from tests.harness.samples import A
from tests.harness.store.filled import TABLES, fill, said, sizes
from tests.harness.store.nights import VERDICT, add_night, pin, taken


def test_every_column_of_every_table_comes_along(source: str, either_url: str) -> None:
    with Store(source) as store:
        fill(store)
    assert all(sizes(source).values()), "every table of the source holds something"
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})  # so that ids differ
        add_night(store, pin(store, "here", None))
    before = said(either_url)
    taken(source, either_url)
    wanted, found = said(source), said(either_url)
    for table in TABLES:
        assert found[table.name] == before[table.name] | wanted[table.name]


def test_from_postgresql_it_comes_back_as_it_was(source: str, postgresql_url: str) -> None:
    with Store(source) as store:
        fill(store)
    taken(source, postgresql_url)
    back = source.replace("source.db", "back.db")
    taken(postgresql_url, back)
    assert said(back) == said(source)


def test_what_came_is_counted_and_comes_once(nights: str, url: str) -> None:
    lines: list[str] = []
    with Store(url) as store:
        first = merge(nights, store, say=lines.append)
        again = merge(nights, store, say=lines.append)
    assert (first.runs_added, first.runs_known, first.measurements_added) == (8, 0, 3)
    assert (again.runs_added, again.runs_known, again.measurements_added) == (0, 8, 0)
    assert len(lines) == 8
    assert said(url) == said(nights)


def test_samples_come_bit_by_bit(source: str, url: str) -> None:
    with Store(source) as store:
        name = add_run(store, {A: [1 / 3]})
    taken(source, url)
    with Reader(url) as reader, Reader(source) as other:
        assert reader.run(name) == other.run(name)
        assert reader.launches(name) == other.launches(name)
        got, had = (each.measurements(name)["samples_s"][0] for each in (reader, other))
        assert got.tobytes() == had.tobytes()


class Stopped(Exception):
    pass


def stop(store: Store, after: int) -> None:
    """Lets a store's statements fail after so many, as at the end of its process."""
    seen = count(1)

    def each(*_: object) -> None:
        if next(seen) > after:
            raise Stopped

    event.listen(store._engine, "before_cursor_execute", each)


def test_stopped_anywhere_the_next_one_goes_on(nights: str, tmp_path: Path) -> None:
    wanted = said(nights)
    empty = tmp_path / "empty.db"
    Store(f"sqlite:///{empty}").close()
    runs = set[int]()
    for after in range(3, 400, 21):
        url = f"sqlite:///{shutil.copy(empty, tmp_path / f'{after}.db')}"
        with Store(url) as store:
            stop(store, after)
            try:
                merge(nights, store)
                break
            except Stopped:
                runs.add(sizes(url)["runs"])
        taken(nights, url)
        assert said(url) == wanted, f"stopped after {after} statements"
    assert len(runs) > 4  # of the eight: it was stopped here and there


def test_killed_it_has_kept_whole_runs_and_the_next_one_goes_on(nights: str, url: str) -> None:
    child = (
        "import os, sys; from harness.store.merge import merge; "
        "from harness.store.writer import Store; lines = []; "
        "say = lambda line: (lines.append(line), len(lines) == 4 and os.kill(os.getpid(), 9)); "
        "merge(sys.argv[1], Store(sys.argv[2]), say=say)"
    )
    done = subprocess.run([sys.executable, "-c", child, nights, url], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert sizes(url)["runs"] == 4
    taken(nights, url)
    assert said(url) == said(nights)


def test_chosen_runs_come_alone_and_what_ties_them_with_the_last(nights: str, url: str) -> None:
    with Reader(nights) as reader:
        names = [run.run for run in reader.runs()][::-1]
    taken(nights, url, runs=names[3:4])
    assert (sizes(url)["runs"], sizes(url)["pairings"], sizes(url)["anchors"]) == (1, 0, 0)
    taken(nights, url, runs=names[4:5])
    assert (sizes(url)["pairings"], sizes(url)["nights"], sizes(url)["verdicts"]) == (1, 1, 1)
    taken(nights, url)
    assert said(url) == said(nights)


def test_an_anchors_bridge_comes_with_its_pairing(nights: str, url: str) -> None:
    with Reader(nights) as reader:
        names = [run.run for run in reader.runs()][::-1]
    taken(nights, url, runs=names[5:7])  # the night after the bridge
    (anchor,) = said(url)["anchors"]
    assert "('bridge_pairing_id', None)" in anchor
    taken(nights, url)
    assert said(url) == said(nights)


def test_of_two_runs_that_came_apart_the_pairing_comes_later(nights: str, url: str) -> None:
    with Reader(nights) as reader:
        names = [run.run for run in reader.runs()][::-1]
    for name in names:  # from a copy that knows of nothing but runs
        taken(nights, url, runs=[name])
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    for table in ("nights", "verdicts", "anchors", "pairings"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a literal
    connection.commit()
    connection.close()
    taken(nights, url)
    assert said(url) == said(nights)


def test_verdicts_that_were_given_later_come_later(source: str, url: str) -> None:
    with Store(source) as store:
        (base, _), (candidate, _) = (begin_run(store) for _ in range(2))
        pairing = store.pair_runs(base, candidate, rounds=3, rule={})
        store.end_run(base, "done")
        store.end_run(candidate, "done")
        taken(source, url)
        store.add_verdicts(pairing, [VERDICT])
    taken(source, url)
    assert said(url) == said(source)


def test_a_run_that_is_still_measured_is_left_out_until_it_ended(source: str, url: str) -> None:
    with Store(source) as store, Store(url) as destination:
        run, name = begin_run(store)
        merged = merge(source, destination)
        assert (merged.runs_added, merged.running) == (0, [name])
        store.end_run(run, "interrupted")
        merged = merge(source, destination)
        assert (merged.runs_added, merged.running) == (1, [])


def test_a_name_that_another_run_has_gets_a_number(nights: str, url: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    with Store(other) as store:
        name = add_run(store, {A: [1.0]})
    with Reader(nights) as reader:
        taken_name = reader.runs()[-1].run
    connection = sqlite3.connect(other.removeprefix("sqlite:///"))
    connection.execute("UPDATE runs SET name = ?", (taken_name,))
    connection.commit()
    connection.close()
    taken(nights, url)
    lines: list[str] = []
    with Store(url) as store:
        merged = merge(other, store, say=lines.append)
    assert merged.renamed == {taken_name: f"{taken_name}-2"}
    assert lines == [f"{taken_name}: another run has this name there; it is called {taken_name}-2"]
    assert name != taken_name


def test_what_was_pruned_in_the_source_stays(source: str, url: str) -> None:
    with Store(source) as store:
        add_run(store, {A: [1.0]})
    taken(source, url)
    before = said(url)
    connection = sqlite3.connect(source.removeprefix("sqlite:///"))
    connection.execute("UPDATE measurements SET samples_s = NULL, summary = '{}'")
    connection.commit()
    connection.close()
    taken(source, url)
    assert said(url) == before


def test_text_that_postgresql_lacks_is_replaced(source: str, postgresql_url: str) -> None:
    with Store(source) as store:
        name = add_run(store, {A: [1.0]}, failures=[(A, "raised", "a\0b")], log="a\0b")
    taken(source, postgresql_url)
    with Reader(postgresql_url) as reader:
        assert reader.failures(name)[0].message == "a\N{REPLACEMENT CHARACTER}b"
        assert reader.launches(name)[0].log == "a\0b"


def test_a_database_is_not_merged_into_itself(source: str, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "source.db")
    with Store(source) as store:
        for url in (source, f"sqlite:///{tmp_path}/link.db"):
            with pytest.raises(UsageError, match="is the database that it would be merged into"):
                merge(url, store)


def test_an_older_schema_is_refused_with_advice(source: str, url: str) -> None:
    Store(source).close()
    connection = sqlite3.connect(source.removeprefix("sqlite:///"))
    connection.execute("UPDATE alembic_version SET version_num = '0005'")
    connection.commit()
    connection.close()
    with pytest.raises(DatabaseFailure, match="`jaxrig db upgrade`"):
        taken(source, url)


def test_a_source_that_is_not_there_is_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailure, match="no database at"):
        taken(f"sqlite:///{tmp_path}/nowhere.db", url)
    assert os.listdir(tmp_path) == ["results.db"]  # noqa: PTH208 - names are all that matters


def test_a_run_that_was_killed_comes_as_interrupted(source: str, url: str) -> None:
    with Store(source) as store:
        run, name = begin_run(store, owner="gone")
        store.begin_launch(run, index=0, part=0, limits={}, env={})
        _, alive = begin_run(store, owner="there")
    with Store(url) as store:
        merged = merge(source, store, is_abandoned=lambda owner, _: owner == "gone")
    assert (merged.runs, merged.running) == ([name], [alive])
    with Reader(url) as reader:
        (launch,) = reader.launches(name)
        assert (reader.run(name).status, launch.status) == ("interrupted", "interrupted")


def test_of_chosen_runs_an_anchor_comes_whose_bridge_is_there(nights: str, url: str) -> None:
    with Reader(nights) as reader:
        names = [run.run for run in reader.runs()][::-1]
    taken(nights, url, runs=names[3:5])  # the night that was a bridge
    assert [("'second'" in anchor) for anchor in sorted(said(url)["anchors"])].count(True) == 1
    assert sizes(url)["anchors"] == 2


def test_of_unwanted_pairings_none_is_looked_at(nights: str, url: str) -> None:
    with Reader(nights) as reader:
        name = reader.runs()[0].run  # measured in turns with none
    with Store(url) as store:
        statements = list[str]()
        event.listen(
            store._engine, "before_cursor_execute", lambda *told: statements.append(told[2])
        )
        merge(nights, store, runs=[name])
    # Of the one that is a bridge, for its anchor's sake.
    assert sum("FROM pairings" in each and "uuid = " in each for each in statements) == 1


def test_a_machine_that_comes_with_a_link_brings_its_own(source: str, url: str) -> None:
    machines = [replace(MACHINE, memory_gib=number) for number in (1, 2, 3)]
    with Store(source) as store:
        for machine in (machines[1], machines[2], machines[0]):  # the middle one is older
            add_run(store, {A: [1.0]}, machine=machine)
        link(source, machines[1].fingerprint, machines[2].fingerprint)
        link(source, machines[0].fingerprint, machines[1].fingerprint)
    with Reader(source) as reader:
        name = reader.run("latest").run
    taken(source, url, runs=[name])
    assert said(url)["machine_links"] == said(source)["machine_links"]


def test_two_that_merge_the_same_at_once_find_it(nights: str, postgresql_url: str) -> None:
    """PostgreSQL's; SQLite's writers take turns anyway."""
    Store(postgresql_url).close()
    start = Barrier(3)

    def take(_: int) -> None:
        with Store(postgresql_url) as store:
            start.wait()
            merge(nights, store)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(take, range(3)))
    assert said(postgresql_url) == said(nights)
