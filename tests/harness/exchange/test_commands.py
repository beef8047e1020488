"""`jaxrig import`, `export` and `merge`, from the words to the exit code."""

import csv
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.exchange import samples
from harness.exchange.formats import read
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.harness.called import Jaxrig
from tests.harness.exchange.conftest import FILES
from tests.harness.history import IMAGE, MACHINE, add_run, begin_run
from tests.harness.samples import A, B
from tests.harness.store.filled import said, sizes
from tests.tmpfs import Tmpfs


@pytest.fixture
def history(store: Store) -> list[str]:
    """Three runs that ended, and one that is still measured, in results.db."""
    names = [
        add_run(store, {A: [1.0, 1.1]}, tags={"night": "1"}),
        add_run(store, {A: [1.0], B: [2.0]}, tags={"night": "2"}),
        add_run(store, {B: [1 / 3]}),
    ]
    return [*names, begin_run(store)[1]]


def imported(jaxrig: Jaxrig, *words: object) -> tuple[int, list[dict[str, Any]], str]:
    outcome = jaxrig("import", *words, "--format", "json")
    return outcome.code, json.loads(outcome.out), outcome.err


def test_files_are_taken_in_once_and_what_has_no_place_is_named(jaxrig: Jaxrig) -> None:
    path = FILES / "google-repetitions.json"
    (run,) = read(path)
    outcome = jaxrig("import", path)
    assert (outcome.code, outcome.err) == (0, "")
    assert "google-benchmark" in outcome.out
    assert "1 new" in outcome.out
    for name in run.unmapped:
        assert f"not taken in: {name}" in outcome.out
    code, (again,), _ = imported(jaxrig, path)
    assert (code, again["runs_added"], again["runs_known"], again["measurements"]) == (0, 0, 1, 0)
    assert "known already" in jaxrig("import", path).out
    assert len(json.loads(jaxrig("runs", "--format", "json").out)) == 1


def test_a_file_that_cannot_be_read_keeps_no_other_one_out(jaxrig: Jaxrig, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number, name in enumerate(("google-once.json", "pyperf.json")):
        shutil.copy(FILES / name, folder / f"{number}.json")
    (folder / "0-broken.json").write_text("{")
    (folder / "0-cut.jaxrig").write_text("SQLite")
    code, arrivals, err = imported(jaxrig, folder, "nowhere.json")
    assert code == 2
    assert [each["runs_added"] for each in arrivals] == [0, 0, 1, 1, 0]
    assert "cannot import files/0-broken.json: not JSON" in err.replace(f"{tmp_path}/", "")
    assert "0-cut.jaxrig: not a bundle, or cut short" in err
    assert "cannot import nowhere.json: no such file" in err
    assert "3 of 5 could not be read, or not all of it; the others were taken in" in err


def test_neither_does_one_that_is_no_bundle_or_cannot_be_read(
    jaxrig: Jaxrig, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "strange.sqlite", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a)")
    unreadable = "/proc/self/mem"  # not even by root
    code, arrivals, err = imported(jaxrig, "strange.sqlite", unreadable, FILES / "google-once.json")
    assert (code, [each["runs_added"] for each in arrivals]) == (2, [0, 0, 1])
    assert "cannot import strange.sqlite: sqlite:///strange.sqlite holds no jaxrig results" in err
    assert f"cannot import {unreadable}: [Errno 5]" in err


def test_of_damaged_results_the_rest_is_taken_in(jaxrig: Jaxrig, history: list[str]) -> None:
    damage(history[1])
    code, (arrival,), _ = imported(jaxrig, "results.db", "--db", "sqlite:///other.db")
    assert (code, arrival["runs"]) == (2, [history[0], history[2]])
    assert arrival["error"] == f"cannot import all of results.db: {history[1]} cannot be read"
    done = jaxrig("merge", "sqlite:///results.db", "--db", "sqlite:///third.db")
    assert (done.code, "third.db:" in done.err) == (6, False)
    assert f"{history[1]} cannot be read, and is left out: sqlite:///results.db: " in done.err
    assert f"damaged in sqlite:///results.db: {history[1]}; the rest was taken in" in done.err
    assert (
        len(json.loads(jaxrig("runs", "--format", "json", "--db", "sqlite:///third.db").out)) == 2
    )


def damage(run: str) -> None:
    with closing(sqlite3.connect("results.db", isolation_level=None)) as connection:
        connection.execute(
            "UPDATE launches SET limits = '{' WHERE run_id = (SELECT id FROM runs WHERE name = ?)",
            (run,),
        )


def test_where_the_database_takes_no_more_what_was_taken_in_is_told(
    jaxrig: Jaxrig, tmp_path: Path, tmpfs: Tmpfs
) -> None:
    large = json.loads((FILES / "pyperf.json").read_text())
    dice = random.Random(1)  # noqa: S311 - of samples
    large["benchmarks"][0]["runs"][1]["values"] = [dice.random() for _ in range(400_000)]
    (tmp_path / "large.json").write_text(json.dumps(large))
    names = (FILES / "google-once.json", "large.json", FILES / "google-repetitions.json")
    code, arrivals, err = imported(jaxrig, *names, "--db", tmpfs.url)
    assert (code, [each["runs_added"] for each in arrivals]) == (6, [1])
    assert "the disk is full" in err


def test_a_growing_file_is_one_run_and_its_earlier_state_is_told(
    jaxrig: Jaxrig, tmp_path: Path
) -> None:
    shutil.copytree(FILES / "asv" / "results", tmp_path / "results")
    path = tmp_path / "results" / "bench-1" / "8642e53d-virtualenv-py3.11.json"
    whole = path.read_text()
    part = json.loads(whole)
    part["results"] = {"suite.time_sum": part["results"]["suite.time_sum"]}
    path.write_text(json.dumps(part))
    _, (first,), _ = imported(jaxrig, "results")
    path.write_text(whole)
    code, (second,), err = imported(jaxrig, "results")
    assert (code, second["replaced"]) == (0, first["runs"])
    assert f"{second['runs'][0]} takes the place of {first['runs'][0]}, an earlier state" in err
    assert len(json.loads(jaxrig("runs", "--format", "json").out)) == 1


def test_imported_runs_can_be_listed_shown_and_compared(jaxrig: Jaxrig) -> None:
    jaxrig("import", FILES / "google-repetitions.json", FILES / "google-once.json")
    assert "google-benchmark (imported)" in jaxrig("runs").out
    assert "told-" in jaxrig("machines").out
    assert jaxrig("show", "latest").code == 0
    assert jaxrig("compare", "latest~1", "latest").code in (0, 1)


def test_a_bundle_moves_everything_but_what_is_still_measured(
    jaxrig: Jaxrig, history: list[str], url: str, tmp_path: Path
) -> None:
    done = jaxrig("export", "--out", "all.jaxrig")
    assert (done.code, done.out) == (0, "")
    assert f"{history[3]} is still being measured: left out" in done.err
    assert "3 runs in all.jaxrig" in done.err
    code, (arrival,), _ = imported(jaxrig, "all.jaxrig", "--db", "sqlite:///other.db")
    assert (code, arrival["format"], arrival["runs_added"]) == (0, "bundle", 3)
    assert arrival["runs"] == history[:3]
    with Reader("sqlite:///other.db") as reader:
        assert {run.run for run in reader.runs()} == set(history[:3])
    again = jaxrig("import", "all.jaxrig", "--db", "sqlite:///other.db")
    assert "known already" in again.out


def test_a_run_that_was_killed_goes_out_and_comes_as_interrupted(
    jaxrig: Jaxrig, store: Store
) -> None:
    _, alive = begin_run(store)
    nothing = jaxrig("export", "--out", "x.jaxrig")
    assert (nothing.code, "no run that is chosen has ended" in nothing.err) == (2, True)
    started_at = datetime.now(UTC) - timedelta(hours=2)
    _, killed = begin_run(store, deadline_at=started_at)
    assert jaxrig("export", "--out", "x.jaxrig").code == 0
    assert jaxrig("import", "x.jaxrig", "--db", "sqlite:///other.db").code == 0
    merged = jaxrig("merge", "sqlite:///results.db", "--db", "sqlite:///third.db")
    assert f"{alive} is still being measured: left out" in merged.err
    for name in ("other", "third"):
        with Reader(f"sqlite:///{name}.db") as reader:
            assert [(run.run, run.status) for run in reader.runs()] == [(killed, "interrupted")]


def test_with_everything_anchors_go_out_that_no_night_came_of(
    jaxrig: Jaxrig, history: list[str], store: Store
) -> None:
    store.pin_anchor(machine=MACHINE, target="cpu", image=IMAGE, epoch=1, why="first")
    jaxrig("export", "--out", "all.jaxrig")
    jaxrig("export", "latest~1", "--out", "one.jaxrig")
    assert sizes("sqlite:///all.jaxrig")["anchors"] == 1
    assert sizes("sqlite:///one.jaxrig")["anchors"] == 0


def test_an_altered_bundle_ends_with_2(jaxrig: Jaxrig, history: list[str], tmp_path: Path) -> None:
    jaxrig("export", "--out", "x.jaxrig")
    content = bytearray((tmp_path / "x.jaxrig").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "x.jaxrig").write_bytes(content)
    outcome = jaxrig("import", "x.jaxrig", "--db", "sqlite:///other.db")
    assert outcome.code == 2
    assert "x.jaxrig: it is cut short or was altered" in outcome.err


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_a_sample(jaxrig: Jaxrig, history: list[str], tmp_path: Path) -> None:
    assert jaxrig("export", "--as", "csv", "--out", "all.csv").code == 0
    rows = rows_of(tmp_path / "all.csv")
    assert len(rows) == 3 * 5
    first, last = rows[0], rows[-1]
    assert (first["run"], first["case"], first["launch"], first["round"]) == (
        history[0],
        A,
        "0",
        "0",
    )
    assert [row["round"] for row in rows[:3]] == ["0", "1", "2"]
    assert float(last["sample_s"]) == 1 / 3
    assert first["started_at"].endswith("+00:00")


def test_parquet_has_the_rows_of_csv_where_pyarrow_is(
    jaxrig: Jaxrig, history: list[str], tmp_path: Path
) -> None:
    done = jaxrig("export", "--as", "parquet", "--out", "all.parquet")
    if find_spec("pyarrow") is None:
        assert (done.code, "Parquet needs pyarrow" in done.err) == (5, True)
        assert not (tmp_path / "all.parquet").exists()
        return
    assert done.code == 0, done.err
    jaxrig("export", "--as", "csv", "--out", "all.csv")
    frame = pd.read_parquet(tmp_path / "all.parquet")
    rows = rows_of(tmp_path / "all.csv")
    assert list(frame.columns) == list(rows[0])
    assert frame["sample_s"].tolist() == [float(row["sample_s"]) for row in rows]
    assert frame["case"].tolist() == [row["case"] for row in rows]


def test_parquet_s_types_are_the_same_whatever_is_in_it(
    jaxrig: Jaxrig, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(samples, "_ROWS_AT_ONCE", 4)
    add_run(store, {})
    assert jaxrig("export", "--as", "parquet", "--out", "none.parquet").code == 0
    add_run(store, {A: [1.0, 2.0, 3.0]}, image=None, git_commit="c")
    assert jaxrig("export", "--as", "parquet", "--out", "some.parquet").code == 0
    none, some = (pq.ParquetFile(tmp_path / f"{name}.parquet") for name in ("none", "some"))
    assert none.schema_arrow == some.schema_arrow
    types = {field.name: str(field.type) for field in some.schema_arrow}
    assert types["started_at"] == "timestamp[us, tz=UTC]"
    assert {types[name] for name in ("run", "image", "git_commit", "case")} == {"string"}
    assert {types[name] for name in ("launch", "part", "round", "calls_per_round")} == {"int64"}
    assert (none.metadata.num_rows, some.metadata.num_rows) == (0, 9)
    assert [some.metadata.row_group(index).num_rows for index in range(2)] == [6, 3]
    assert some.read(["round", "sample_s"]).to_pydict() == {
        "round": [0, 1, 2] * 3,
        "sample_s": [1.0] * 3 + [2.0] * 3 + [3.0] * 3,
    }


def test_csv_is_utf_8_wherever_it_is_written(store: Store, url: str, tmp_path: Path) -> None:
    add_run(store, {"µ/é": [1.0]})
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness.cli", "export", "--db", url),
            *("--as", "csv", "--out", str(tmp_path / "x.csv")),
        ],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        check=False,
    )
    assert done.returncode == 0
    assert "µ/é" in (tmp_path / "x.csv").read_text(encoding="utf-8")


def test_runs_are_chosen_by_reference_and_tag(
    jaxrig: Jaxrig, history: list[str], tmp_path: Path
) -> None:
    def chosen(*words: str) -> list[str]:
        done = jaxrig("export", *words, "--as", "csv", "--out", "x.csv", "--force")
        assert done.code == 0, done.err
        return list(dict.fromkeys(row["run"] for row in rows_of(tmp_path / "x.csv")))

    assert chosen("--tag", "night=2") == [history[1]]
    assert chosen("latest~1", "night=1") == [history[0], history[2]]
    assert chosen(history[0]) == [history[0]]
    nothing = jaxrig("export", "--tag", "night=3", "--out", "y.jaxrig")
    assert (nothing.code, "no run is chosen" in nothing.err) == (2, True)


def test_pytest_benchmarks_files_hold_a_launch_each(
    jaxrig: Jaxrig, history: list[str], tmp_path: Path
) -> None:
    done = jaxrig("export", *history[:2], "--as", "pytest-benchmark", "--out", "files")
    assert done.code == 0, done.err
    names = [f"{history[0]}-0.json", f"{history[0]}-1.json", f"{history[1]}.json"]
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == sorted(names)
    (run,) = read(tmp_path / "files" / names[1])
    (measurement,) = run.launches[0].measurements
    assert (measurement.case, measurement.samples_s) == (A, (1.1, 1.1, 1.1))
    again = jaxrig("export", history[0], "--as", "pytest-benchmark", "--out", "files")
    assert (again.code, "exists; name another folder" in again.err) == (2, True)


def test_imported_benchmarks_go_out_as_they_came_in(
    jaxrig: Jaxrig, suite: Path, tmp_path: Path
) -> None:
    jaxrig("import", suite / "out.json")
    assert jaxrig("export", "--as", "pytest-benchmark", "--out", "files").code == 0
    (path,) = (tmp_path / "files").iterdir()
    (back,), (told,) = read(path), read(suite / "out.json")
    assert back.launches[0].measurements == tuple(
        replace(each, warnings=back.launches[0].measurements[index].warnings)
        for index, each in enumerate(told.launches[0].measurements)
    )
    assert (back.started_at, back.machine.facts) == (told.started_at, told.machine.facts)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--out", "x.csv"], "a bundle's name ends in .jaxrig"),
        (["--out", "old.jaxrig"], "old.jaxrig exists; name another file, or add --force"),
        (["--out", "folder.jaxrig"], "is a folder"),
        (["--out", "nowhere/x.jaxrig"], "there is no folder"),
        (["--as", "pytest-benchmark", "--out", "old.jaxrig"], "is a file; name a folder"),
        (["nobody", "--out", "x.jaxrig"], "no single run is named 'nobody'"),
    ],
)
def test_nothing_is_written_where_it_is_not_meant(
    jaxrig: Jaxrig, history: list[str], tmp_path: Path, words: list[str], complaint: str
) -> None:
    (tmp_path / "old.jaxrig").write_text("old")
    (tmp_path / "folder.jaxrig").mkdir()
    before = set(os.listdir(tmp_path))  # noqa: PTH208 - names are all that matters
    outcome = jaxrig("export", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
    assert set(os.listdir(tmp_path)) - {"results.db-wal", "results.db-shm"} <= before  # noqa: PTH208
    assert (tmp_path / "old.jaxrig").read_text() == "old"


def test_a_merge_takes_everything_and_says_so(jaxrig: Jaxrig, history: list[str], url: str) -> None:
    done = jaxrig("merge", "sqlite:///results.db", "--db", "sqlite:///other.db", "--format", "json")
    told = json.loads(done.out)
    assert (done.code, told["runs_added"], told["running"]) == (0, 3, [history[3]])
    assert f"{history[0]}: 2 measurements" in done.err
    assert said("sqlite:///other.db")["measurements"] == said(url)["measurements"]
    assert "known already" in jaxrig("merge", url, "--db", "sqlite:///other.db").out


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["sqlite:///results.db"], 2, "is the database that it would be merged into"),
        (["sqlite:///nowhere.db"], 6, "no database at nowhere.db"),
        (["postgresql://u:secret@h/x"], 2, "holds a password"),
        (["nonsense"], 6, "is not a database URL"),
    ],
)
def test_what_cannot_be_merged_is_told(
    jaxrig: Jaxrig, history: list[str], words: list[str], code: int, complaint: str
) -> None:
    outcome = jaxrig("merge", *words)
    assert (outcome.code, outcome.out) == (code, "")
    assert complaint in outcome.err
    assert "secret" not in outcome.err
