"""`jaxrig db …` and `jaxrig machines link`: what they print, and their exit codes."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from harness.store.database import SCHEMA_VERSION
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.called import Jaxrig
from tests.harness.history import MACHINE, add_run
from tests.harness.samples import A

OTHER = replace(MACHINE, memory_gib=32)


@pytest.fixture
def run(store: Store) -> str:
    """Of the folder's results.db."""
    return add_run(store, {A: [1.0]})


def test_a_sound_database_passes(jaxrig: Jaxrig, run: str) -> None:
    done = jaxrig("db", "check", "--format", "json")
    assert done.code == 0
    assert {each["check"]: each["ok"] for each in json.loads(done.out)} == dict.fromkeys(
        ("schema", "file", "references", "runs", "samples", "regressions"), True
    )


def test_a_damaged_one_ends_with_6_and_says_what_is_wrong(
    jaxrig: Jaxrig, run: str, tmp_path: Path
) -> None:
    database = sqlite3.connect(tmp_path / "results.db", isolation_level=None)
    with closing(database) as connection:
        connection.execute("UPDATE measurements SET rounds = 9")
    done = jaxrig("db", "check")
    assert (done.code, "WRONG" in done.out, "3 samples of 9 rounds" in done.out) == (6, True, True)
    assert "damaged: samples" in done.err


def test_a_copy_is_a_database(jaxrig: Jaxrig, run: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert jaxrig("db", "backup", str(copy)).code == 0
    with Reader(f"sqlite:///{copy}") as reader:
        assert reader.run("latest").run == run
    again = jaxrig("db", "backup", str(copy))
    assert (again.code, str(copy) in again.err) == (6, True)


def test_an_upgrade_makes_no_database(jaxrig: Jaxrig, tmp_path: Path) -> None:
    assert jaxrig("db", "upgrade").code == 6
    assert not (tmp_path / "results.db").exists()


def test_what_is_new_needs_no_upgrade(jaxrig: Jaxrig, run: str) -> None:
    done = jaxrig("db", "upgrade")
    assert (done.code, done.err) == (0, f"jaxrig: schema {SCHEMA_VERSION}\n")


def test_pruning_says_what_goes(jaxrig: Jaxrig, run: str) -> None:
    words = ("db", "prune", "--keep-medians", "--format", "json")
    assert json.loads(jaxrig(*words, "--older-than", "1d").out)["runs"] == []
    dry = json.loads(jaxrig(*words, "--older-than", "0h", "--dry-run").out)
    assert (dry["runs"], dry["measurements"], dry["dry_run"]) == ([run], 1, True)
    assert "nothing was changed" in jaxrig(*words[:3], "--older-than", "0h", "--dry-run").out
    assert json.loads(jaxrig(*words, "--older-than", "0h").out)["runs"] == [run]
    shown = json.loads(jaxrig("show", run, "--format", "json").out)
    assert (shown["measurements"][0]["samples_s"], shown["measurements"][0]["median_s"]) == (
        None,
        1.0,
    )


@pytest.mark.parametrize(
    "age", ["", "d", "5", "-1d", "1y", "1.5d", "6m", "5s", "999999d", "9999999d"]
)
def test_what_is_no_age_is_refused(jaxrig: Jaxrig, run: str, age: str) -> None:
    done = jaxrig("db", "prune", "--keep-medians", f"--older-than={age}")
    assert (done.code, "is no age" in done.err) == (2, True)


def test_pruning_must_be_told_how(jaxrig: Jaxrig, run: str) -> None:
    assert jaxrig("db", "prune", "--older-than", "1d").code == 2


def test_machines_are_linked_and_unlinked(jaxrig: Jaxrig, store: Store, url: str) -> None:
    for machine in (MACHINE, OTHER):
        add_run(store, {A: [1.0]}, machine=machine)
    old, new = MACHINE.fingerprint, OTHER.fingerprint
    # An option before the word counts, too.
    assert jaxrig("machines", "--db", url, "link", new, old).code == 0
    assert {each["machine"] for each in json.loads(jaxrig("runs", "--format", "json").out)} == {old}
    assert jaxrig("machines", "unlink", new, "--db", url).code == 0
    assert len({each["machine"] for each in json.loads(jaxrig("runs", "--format=json").out)}) == 2
    assert jaxrig("machines", "unlink", new).code == 2
