"""One database taken into another: everything, once, wherever it was stopped before."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from harness.errors import DatabaseFailure, UsageError
from harness.store.copying import SourceFailure
from harness.store.links import link
from harness.store.merge import merge
from harness.store.reader import Reader
from harness.store.url import shown
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.harness.history import IMAGE, MACHINE, add_run, begin_run
from tests.harness.samples import A, B
from tests.harness.store.filled import TABLES, fill, said, sizes
from tests.postgresql import Server


@pytest.fixture
def source(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/source.db"


@pytest.fixture
def nights(source: str) -> str:
    """Two nights of one anchor, the second a bridge to another; an anchor of no night."""
    with Store(source) as store:
        add_run(store, {A: [1.0]})
        first = pin(store, "first", None)
        pairings = [add_night(store, first) for _ in range(2)]
        second = pin(store, "second", pairings[1])
        add_night(store, second)
        pin(store, "third", None)
        add_run(store, {B: [2.0, 2.5]}, failures=[(B, "raised", "boom")], skips=[(A, "too large")])
    return source


def pin(store: Store, why: str, bridge: int | None) -> int:
    return store.pin_anchor(
        machine=MACHINE, target="cpu", image=IMAGE, epoch=1, why=why, bridge=bridge
    )


def add_night(store: Store, anchor: int) -> int:
    (base, _), (candidate, _) = (begin_run(store) for _ in range(2))
    pairing = store.pair_runs(base, candidate, rounds=21, rule={"error": 0.05}, anchor=anchor)
    for run in (base, candidate):
        store.end_run(run, "done")
    store.add_verdicts(pairing, [VERDICT])
    return pairing


VERDICT = {
    "case": A,
    "metric": "time",
    "unit": "s",
    "verdict": "same",
    "ratio": 1.0,
    "low": 0.9,
    "high": 1.1,
    "pairs": 3,
    "base": 1.0,
    "effect": 0.0,
    "remarks": [],
}


def taken(source: str, destination: str, **how: object) -> None:
    with Store(destination) as store:
        merge(source, store, **how)  # type: ignore[arg-type]


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


@pytest.fixture
def three(source: str) -> list[str]:
    """Runs whose failures are so long that they fill pages of their own."""
    with Store(source) as store:
        return [
            add_run(store, {A: [1.0]}, failures=[(B, "raised", f"boom {number} " * 4000)])
            for number in range(3)
        ]


def damage(url: str, number: int) -> None:
    """A page of that run's failure goes on where there is none."""
    path, mark = Path(url.removeprefix("sqlite:///")), f"boom {number} ".encode()
    content = bytearray(path.read_bytes())
    pages = range(4096, len(content), 4096)
    at = next(at for at in pages if content[at] == 0 and mark in content[at + 4 : at + 100])
    assert any(content[at : at + 4])  # another one follows it
    content[at : at + 4] = b"\xff" * 4
    path.write_bytes(content)


def change(url: str, statement: str) -> None:
    """By a hand that nothing is forbidden to."""
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)


def test_a_damaged_run_is_told_and_the_others_come(
    source: str, three: list[str], either_url: str
) -> None:
    damage(source, 1)
    lines: list[str] = []
    with Store(either_url) as store:
        merged = merge(source, store, say=lines.append)
    assert (merged.runs_added, merged.unreadable) == (2, [three[1]])
    assert merged.runs == [three[0], three[2]]
    with Reader(either_url) as reader:
        assert {run.run for run in reader.runs()} == {three[0], three[2]}
    (told,) = [line for line in lines if "left out" in line]
    assert told.startswith(f"{three[1]} cannot be read, and is left out: {source}: ")
    assert "malformed" in told


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE runs SET uuid = 'nonsense' WHERE id = 2", "row 2 of runs"),
        ("UPDATE runs SET uuid = 7 WHERE id = 2", "row 2 of runs"),
        ("UPDATE runs SET started_at = 'once' WHERE id = 2", None),
        ("UPDATE runs SET machine_id = 99 WHERE id = 2", None),
        ("UPDATE launches SET limits = '{' WHERE id = 2", None),
        ("UPDATE failures SET launch_id = 1 WHERE run_id = 2", None),
        ("UPDATE measurements SET median_s = -1 WHERE launch_id = 2", None),
        ("UPDATE measurements SET median_s = x'ff' WHERE launch_id = 2", None),
    ],
)
def test_so_is_one_that_tells_nonsense(
    source: str, three: list[str], either_url: str, statement: str, what: str | None
) -> None:
    change(source, statement)
    with Store(either_url) as store:
        merged = merge(source, store)
        again = merge(source, store)
    assert merged.unreadable == again.unreadable == [what or three[1]]
    assert (merged.runs_added, again.runs_known) == (2, 2)


def test_a_damaged_pairing_keeps_no_run_out(nights: str, url: str) -> None:
    change(nights, "UPDATE verdicts SET remarks = '{' WHERE pairing_id = 1")
    change(nights, "UPDATE pairings SET uuid = 'nonsense' WHERE id = 3")
    with Store(url) as store:
        merged = merge(nights, store)
    assert (merged.runs_added, sizes(url)["pairings"]) == (8, 1)
    assert [what.split()[0] for what in merged.unreadable] == ["row", "pairing"]


def test_a_source_of_which_nothing_can_be_read_is_named(source: str, url: str) -> None:
    with Store(source) as store:
        add_run(store, {A: [1.0]})
    path = Path(source.removeprefix("sqlite:///"))
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(SourceFailure, match=r"source\.db: database disk image is malformed"):
        taken(source, url)


def test_of_postgresql_a_row_that_cannot_be_read_is_left_out(
    source: str, three: list[str], postgresql_url: str, url: str
) -> None:
    taken(source, postgresql_url)
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE skips RENAME TO kept"))
        connection.execute(
            text(
                'CREATE VIEW skips AS SELECT id, launch_id, "case", reason FROM kept UNION '
                "SELECT 1 / (id - 2), id, '', '' FROM launches WHERE id = 2"
            )
        )
    engine.dispose()
    with Store(url) as store:
        merged = merge(postgresql_url, store)
    assert (merged.runs, merged.unreadable) == ([three[0], three[2]], [three[1]])


END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_database USING (datname) "
    "WHERE NOT datallowconn"
)
"""Of databases that let nobody in."""


def test_a_source_that_goes_away_is_not_waited_for(
    source: str, three: list[str], postgresql: Server, either_url: str
) -> None:
    lines: list[str] = []
    with postgresql.database() as lost:
        taken(source, lost)

        def say(line: str) -> None:
            lines.append(line)
            postgresql.execute(f"ALTER DATABASE {make_url(lost).database} ALLOW_CONNECTIONS false")
            postgresql.execute(END_OTHERS)

        with Store(either_url) as store, pytest.raises(SourceFailure) as failure:
            merge(lost, store, say=say)
    assert shown(lost) in str(failure.value)
    assert lines == [f"{three[0]}: 1 measurements"]  # no word of waiting, or of the other runs
    assert sizes(either_url)["runs"] == 1


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
