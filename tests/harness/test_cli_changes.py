"""`jaxrig history --changes`, as it is typed."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from harness.store.writer import Store
from tests.harness.called import Jaxrig
from tests.harness.history import IMAGE, MACHINE, add_run, begin_run
from tests.harness.roofline.ideal import Ideal
from tests.harness.roofline.stored import add_ceilings, add_measured
from tests.harness.store.nights import VERDICT
from tests.harness.test_git import git

NIGHTS, AT = 40, 25
CASE, STEADY = "matmul/256/f32", "matmul/512/f32"
MODEL = "transformer/nano/forward/f32"
"""Of which the ceilings' suite measures nothing."""

OTHER = ("sha256:" + "b" * 64, "jaxrig/cpu:5678")


@pytest.fixture
def nights(store: Store) -> list[str]:
    """Runs of nights, their names; from one on a case takes a tenth longer, by another image."""
    noise = np.exp(0.01 * np.random.default_rng(1).standard_normal((NIGHTS, 2)))
    return [
        add_run(
            store,
            {CASE: [noise[night, 0] * (1.1 if night >= AT else 1.0)], STEADY: [noise[night, 1]]},
            image=OTHER if night >= AT else IMAGE,
            git_commit=f"{night:040x}",
        )
        for night in range(NIGHTS)
    ]


def test_a_change_is_told_with_its_night_and_what_came_with_it(
    jaxrig: Jaxrig, nights: list[str]
) -> None:
    done = jaxrig("history", "*", "--changes", "--format", "json")
    (found,) = json.loads(done.out)
    assert (found["case"], found["run"], found["last_run"]) == (CASE, nights[AT], nights[AT - 1])
    assert found["low"] < 1.1 < found["high"]
    assert found["ratio"] == pytest.approx(1.1, rel=0.02)
    assert found["differs"]["image"] == [IMAGE[0], OTHER[0]]
    assert found["differs"]["git_commit"] == [f"{AT - 1:040x}", f"{AT:040x}"]
    assert set(found["differs"]) == {"image", "git_commit"}
    assert (found["last_git_commit"], found["git_commit"]) == (f"{AT - 1:040x}", f"{AT:040x}")
    assert (found["same_code"], found["ceilings"], found["noise"]) == (True, None, None)
    assert found["started_at"].endswith("+00:00")
    assert found["provisional"] is False


def test_the_table_says_it_in_a_line_and_what_came_with_it_below(
    jaxrig: Jaxrig, nights: list[str]
) -> None:
    done = jaxrig("history", "*", "--changes")
    (line,) = [line for line in done.out.splitlines() if CASE in line]
    assert line.startswith("A  ")
    assert "1.00 s" in line
    assert "1.10 s" in line
    below = " ".join(done.out.partition("\nA: ")[2].split())
    assert below.startswith(f"on testbed ({MACHINE.fingerprint}), cpu; ")
    assert "image aaaaaaaaaaaa → bbbbbbbbbbbb; commits 000000000000..000000000000" in below
    assert "same compiled code" in below
    assert "2 series were looked at" in done.out
    assert "ceilings unknown, not measured both before and after: A" in done.out
    assert STEADY not in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_few_runs_are_told(jaxrig: Jaxrig, store: Store) -> None:
    for time_s in (1.0, 2.0, 2.0):
        add_run(store, {CASE: [time_s]})
    done = jaxrig("history", "*", "--changes")
    assert "1 of them with too few runs" in done.out
    assert json.loads(jaxrig("history", "*", "--changes", "--format", "json").out) == []


def test_a_floor_of_one_s_own_is_the_least_that_matters(
    jaxrig: Jaxrig, nights: list[str], tmp_path: Path
) -> None:
    (tmp_path / "jaxrig.toml").write_text('[floors]\n"matmul/*" = 0.2\n')
    assert json.loads(jaxrig("history", "*", "--changes", "--format", "json").out) == []


def test_a_change_of_a_week_is_provisional(jaxrig: Jaxrig, store: Store) -> None:
    for night in range(30):
        noise = 1 + 0.01 * (night % 3)
        add_run(store, {CASE: [noise * (1.2 if night >= 24 else 1.0)]})
    (found,) = json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out)
    assert found["provisional"] is True
    assert "later ones may take it back" in jaxrig("history", CASE, "--changes").out


def test_changes_come_in_pages(jaxrig: Jaxrig, store: Store) -> None:
    for night in range(36):
        add_run(store, {CASE: [1.0 + night // 12]})
    first, second, third = (
        jaxrig("history", "*", "--changes", "--limit", "1", "--page", page, "--format", "json")
        for page in ("1", "2", "3")
    )
    found = json.loads(first.out) + json.loads(second.out)
    assert [each["after"] for each in found] == pytest.approx([2.0, 3.0])
    assert "the next: " in first.err
    assert (json.loads(third.out), "page 3 is behind the last row" in third.err) == ([], True)


@pytest.fixture
def anchored(store: Store) -> int:
    """Nights with an anchor: the ratio rises by a tenth from one on. Its place."""
    anchor = store.pin_anchor(
        machine=MACHINE, target="cpu", image=IMAGE, epoch=1, why="first", bridge=None
    )
    noise = np.random.default_rng(2).standard_normal(NIGHTS)
    for night in range(NIGHTS):
        (base, _), (candidate, _) = (begin_run(store, git_commit=f"{night:040x}") for _ in range(2))
        pairing = store.pair_runs(base, candidate, rounds=21, rule={}, anchor=anchor)
        for run in (base, candidate):
            store.end_run(run, "done")
        ratio = float(np.exp(0.01 * noise[night])) * (1.1 if night >= AT else 1.0)
        store.add_verdicts(pairing, [{**VERDICT, "case": CASE, "ratio": ratio, "pairs": 5}])
    return AT


def test_nights_are_ratios_to_their_anchor(jaxrig: Jaxrig, anchored: int, store: Store) -> None:
    add_run(store, {CASE: [1.0]})  # the name of a case is known by what was measured
    (found,) = json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out)
    assert (found["unit"], found["provisional"]) == ("ratio", False)
    assert found["differs"]["git_commit"][1] == f"{anchored:040x}"
    assert found["ratio"] == pytest.approx(1.1, rel=0.02)
    assert "ratios to the anchor" in jaxrig("history", CASE, "--changes").out


def test_runs_that_were_measured_in_turns_are_no_points(jaxrig: Jaxrig, store: Store) -> None:
    """Another process lived beside each of theirs, on either side."""
    for _ in range(15):
        add_run(store, {CASE: [1.0]})
    for _ in range(15):
        base, candidate = (run_id(store, add_run(store, {CASE: [3.0]})) for _ in range(2))
        store.pair_runs(base, candidate, rounds=21, rule={})
    assert json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out) == []
    with store._engine.begin() as connection:
        connection.execute(text("DELETE FROM pairings"))
    (found,) = json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out)
    assert found["ratio"] == pytest.approx(3.0)


def run_id(store: Store, name: str) -> int:
    with store._engine.begin() as connection:
        query = text("SELECT id FROM runs WHERE name = :name")
        return int(connection.execute(query, {"name": name}).scalar_one())


def test_a_nightly_jax_is_told_in_full(jaxrig: Jaxrig, store: Store) -> None:
    """Versions differ at their end."""
    versions = ("0.11.0.dev20261101", "0.11.0.dev20261102")
    for night in range(24):
        told = {"jax": versions[night // 12]}
        add_run(store, {CASE: [1.0 + night // 12]}, environment=told)
    below = " ".join(jaxrig("history", CASE, "--changes").out.split())
    assert " → ".join(versions) in below


def test_software_code_and_noise_are_told_of_the_runs_beside_it(
    jaxrig: Jaxrig, store: Store
) -> None:
    for night in range(24):
        after = night >= 12
        add_run(
            store,
            {CASE: [1.0 + after]},
            environment={"jaxlib": f"0.9.{1 + after}"},
            host={"kernel": f"6.{1 + after}", "gpu_driver": "580"},
            measured={"hlo_sha256": ("c" * 64, "d" * 64)[after]},
            noise={"steal_share": 0.01 + 0.2 * after, "busy_share": 0.5},
        )
    (found,) = json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out)
    assert found["differs"] == {
        "jaxlib": ["0.9.1", "0.9.2"],
        "kernel": ["6.1", "6.2"],
        "hlo": ["c" * 64, "d" * 64],
    }
    assert found["same_code"] is False
    (noise,) = found["noise"]
    assert noise == {"share": "steal_share", "before": 0.01, "after": pytest.approx(0.21)}
    below = " ".join(jaxrig("history", CASE, "--changes").out.split())
    assert "jaxlib 0.9.1 → 0.9.2; kernel 6.1 → 6.2; hlo cccccccccccc → dddddddddddd" in below
    assert "steal 1.0 % → 21.0 %" in below


def test_ceilings_that_were_measured_before_and_after_are_compared(
    jaxrig: Jaxrig, store: Store
) -> None:
    """The newest whole ones before each: what came too late or is too little tells nothing."""
    add_ceilings(store, Ideal(far_bytes_per_s=9e9))
    add_ceilings(store, Ideal())
    add_measured(store, {"matmul/512/f32": (1.0, {})}, suite="ceilings")
    for _ in range(12):
        add_run(store, {MODEL: [1.0]})
    assert changed(jaxrig, case=MODEL) == []
    add_ceilings(store, Ideal(far_bytes_per_s=5e9), image=OTHER)
    for _ in range(12):
        add_run(store, {MODEL: [2.0]})
    add_ceilings(store, Ideal(far_bytes_per_s=1e9))
    (found,) = changed(jaxrig, case=MODEL)
    told = {each["what"]: each for each in found["ceilings"]}
    assert set(told) == {"reads from memory", "updates of memory"}
    reads = told["reads from memory"]
    assert (reads["limit"], reads["unit"]) == ("bandwidth", "B/s")
    assert (reads["before"], reads["after"]) == pytest.approx((1e10, 5e9), rel=0.01)
    below = " ".join(jaxrig("history", MODEL, "--changes").out.split())
    assert "bandwidth (reads from memory) 10.0 GB/s → 5.00 GB/s" in below
    assert "ceilings unknown" not in below


def test_of_ceilings_that_were_measured_once_nothing_is_known(jaxrig: Jaxrig, store: Store) -> None:
    add_ceilings(store, Ideal())
    for night in range(24):
        add_run(store, {MODEL: [1.0 + night // 12]})
    (found,) = changed(jaxrig, case=MODEL)
    assert found["ceilings"] is None


def changed(jaxrig: Jaxrig, *words: str, case: str = CASE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        jaxrig("history", case, "--changes", "--format", "json", *words).out
    )
    return found


def test_each_series_has_a_level(jaxrig: Jaxrig, nights: list[str], store: Store) -> None:
    add_run(store, {"matmul/1024/f32": [3.0]})
    found = {
        each["case"]: each
        for each in json.loads(jaxrig("history", "*", "--levels", "--format", "json").out)
    }
    moved, steady, new = (found[case] for case in (CASE, STEADY, "matmul/1024/f32"))
    assert (moved["run"], moved["changes"], moved["points"]) == (nights[AT], 1, NIGHTS)
    assert moved["git_commit"] == f"{AT:040x}"
    assert moved["low"] < 1.1 < moved["high"]
    assert (steady["run"], steady["changes"], steady["few"]) == (nights[0], 0, False)
    assert steady["spread"] == pytest.approx(0.01, rel=0.5)
    assert (new["level"], new["low"], new["spread"], new["few"]) == (
        pytest.approx(3.0),
        None,
        None,
        True,
    )


def test_levels_are_a_table(jaxrig: Jaxrig, nights: list[str]) -> None:
    done = jaxrig("history", "*", "--levels")
    (line,) = [line for line in done.out.splitlines() if CASE in line]
    assert re.search(r"cpu +1\.10 s +± 0\.\d % +\d\.\d % +\d{4}-.* 1 +40$", line)
    assert "2 series; the spread is" in done.out
    page = jaxrig("history", "*", "--levels", "--limit", "1")
    assert STEADY not in page.out
    assert "the next: " in page.err


def test_levels_of_nights_are_ratios(jaxrig: Jaxrig, anchored: int, store: Store) -> None:
    add_run(store, {CASE: [1.0]})
    told = json.loads(jaxrig("history", CASE, "--levels", "--format", "json").out)
    assert [each["unit"] for each in told] == ["s", "ratio"]
    assert told[1]["level"] == pytest.approx(1.1, rel=0.02)
    assert "ratios of nights to their anchor" in jaxrig("history", CASE, "--levels").out


@pytest.fixture
def commits(tmp_path: Path) -> list[str]:
    """Of a checkout where commands are called, in order."""
    git(tmp_path, "init", "-q")
    for _ in range(24):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "next")
    return git(tmp_path, "rev-list", "--reverse", "HEAD").split()


@pytest.fixture
def backwards(store: Store, commits: list[str]) -> None:
    """Runs that went back in history, as those of a bisection or a backfill do: the even commits,
    and then the odd ones."""
    for commit in (*commits[::2], *commits[1::2]):
        slow = commits.index(commit) >= 12
        add_run(store, {CASE: [1.0 + slow]}, git_commit=commit)


def test_by_commit_a_change_is_one(jaxrig: Jaxrig, backwards: None, commits: list[str]) -> None:
    assert len(changed(jaxrig)) == 3
    (found,) = changed(jaxrig, "--order", "commit")
    assert (found["last_git_commit"], found["git_commit"]) == (commits[11], commits[12])


def test_so_are_runs_and_levels(jaxrig: Jaxrig, backwards: None, commits: list[str]) -> None:
    words = ("history", CASE, "--order", "commit", "--format", "json")
    assert [each["git_commit"] for each in json.loads(jaxrig(*words).out)] == commits
    (level,) = json.loads(jaxrig(*words, "--levels").out)
    assert (level["git_commit"], level["changes"]) == (commits[12], 1)


def test_runs_of_unknown_commits_are_told(jaxrig: Jaxrig, backwards: None, store: Store) -> None:
    add_run(store, {CASE: [1.0]}, git_commit="f" * 40)
    done = jaxrig("history", CASE, "--order", "commit")
    assert done.code == 0
    assert "1 run(s) of commits that this checkout does not know (ffffffffffff)" in done.err
    assert jaxrig("history", CASE).err == ""


@pytest.mark.parametrize("what", [(), ("--changes",), ("--levels",)])
def test_without_a_checkout_there_is_no_order_of_commits(
    jaxrig: Jaxrig, nights: list[str], what: tuple[str, ...]
) -> None:
    done = jaxrig("history", CASE, "--order", "commit", *what)
    assert (done.code, done.out) == (2, "")
    assert "there is no checkout here" in done.err


def test_another_checkout_is_refused(jaxrig: Jaxrig, nights: list[str], commits: list[str]) -> None:
    done = jaxrig("history", CASE, "--order", "commit")
    assert (done.code, done.out) == (2, "")
    assert "this checkout knows no commit of these runs" in done.err
