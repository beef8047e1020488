"""The command line with its streams in hand: exit codes, and what goes to which stream."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness import __version__
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.command import imported
from tests.harness.called import Jaxrig, Outcome
from tests.harness.history import SAME, add_pair, add_run
from tests.harness.parsed import parsed
from tests.harness.samples import A, B

COMMANDS = (
    *("run", "ab", "runs", "show", "cases", "targets", "machines", "compare", "doctor"),
    *("badge", "feed", "bisect"),
)


@pytest.fixture
def history(store: Store) -> tuple[str, str]:
    """The names of two stored runs, in the folder's results.db."""
    first = add_run(store, {A: [1.0, 1.1]}, tags={"night": "1"}, log="a log\n")
    return first, add_run(store, {A: [1.0, 1.2], B: [2.0]})


def test_help_lists_every_command(jaxrig: Jaxrig) -> None:
    outcome = jaxrig("--help")
    assert outcome.code == 0
    assert outcome.err == ""
    for command in COMMANDS:
        assert f"\n    {command} " in outcome.out
    assert "\n    regressions\n" in outcome.out  # too long for a line with what it does
    assert "exit codes:" in outcome.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(jaxrig: Jaxrig, command: str) -> None:
    outcome = jaxrig(command, "--help")
    assert outcome.code == 0
    assert f"usage: jaxrig {command}" in outcome.out
    assert "--format {table,json,csv,md}" in outcome.out


def test_the_version_is_told(jaxrig: Jaxrig) -> None:
    assert jaxrig("--version") == Outcome(0, f"jaxrig {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "COMMAND"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["runs", "--frob"], "unrecognized arguments: --frob"),
        (["runs", "--lim", "3"], "unrecognized arguments"),  # no abbreviations
        (["runs", "--format", "xml"], "invalid choice: 'xml'"),
        (["runs", "--limit", "0"], "'0' is not a whole number from 1 to"),
        (["runs", "--limit", "²"], "'²' is not a whole number"),
        (["runs", "--limit", "9" * 30], "is not a whole number"),
        (["run", "--launches", "-1"], "is not a whole number"),
        (["run", "--tag", "novalue"], "'novalue' is not KEY=VALUE"),
        (["run", "--tag", "=x"], "'=x' is not KEY=VALUE"),
        (["run", "--isolation", "jail"], "invalid choice: 'jail'"),
        (["run", "--target", "abacus"], "unknown target 'abacus'; known are: cpu, cuda"),
        (["run", "--suite", "slow"], "unknown suite 'slow'"),
        (["run", "--case", "nope"], "no case matches 'nope'; see `jaxrig cases`"),
        (["run", "--workloads", "nowhere"], "--workloads nowhere does not exist"),
        (["run", "--workloads", "."], "no test_*.py or *_test.py in that folder"),
        (["run", "--workloads", ".", "--suite", "quick"], "not allowed with argument"),
        (["cases", "--suite", "slow"], "unknown suite 'slow'"),
        (["cases", "--case", "nope"], "no case matches 'nope'"),
        (["show"], "the following arguments are required: run"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_why_on_stderr(
    jaxrig: Jaxrig, tmp_path: Path, words: list[str], complaint: str
) -> None:
    outcome = jaxrig(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
    assert list(tmp_path.iterdir()) == []  # no database was made


def test_a_broken_jaxrig_toml_ends_with_2_and_its_line(jaxrig: Jaxrig, tmp_path: Path) -> None:
    (tmp_path / "jaxrig.toml").write_text("[targets.cpu]\ncolour = 1\n")
    for command in ("targets", "cases", "run"):
        outcome = jaxrig(command)
        assert (outcome.code, outcome.out) == (2, "")
        assert "jaxrig.toml:2: targets.cpu.colour: unknown key" in outcome.err


@pytest.mark.parametrize(
    "words", [["runs"], ["show", "latest"], ["machines"], ["compare", "latest~1", "latest"]]
)
def test_without_a_database_reading_ends_with_6_and_makes_none(
    jaxrig: Jaxrig, tmp_path: Path, words: list[str]
) -> None:
    outcome = jaxrig(*words)
    assert (outcome.code, outcome.out) == (6, "")
    assert "no database at results.db; `jaxrig run` makes one" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_database_cannot_be_made_measures_nothing(jaxrig: Jaxrig) -> None:
    outcome = jaxrig("run", "--isolation", "process", "--db", "sqlite:///nowhere/results.db")
    assert outcome.code == 6
    assert "check the folder" in outcome.err


def test_a_run_without_an_engine_ends_with_5(
    jaxrig: Jaxrig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    outcome = jaxrig("run")
    assert (outcome.code, outcome.out) == (5, "")
    assert "no Docker engine answers" in outcome.err
    assert "--isolation process" in outcome.err


def test_runs_and_machines_are_listed(jaxrig: Jaxrig, history: tuple[str, str]) -> None:
    runs = json.loads(jaxrig("runs", "--format", "json").out)
    assert [(run["run"], run["measurements"]) for run in runs] == [(history[1], 3), (history[0], 2)]
    assert len(json.loads(jaxrig("runs", "--limit", "1", "--format", "json").out)) == 1
    (machine,) = json.loads(jaxrig("machines", "--format", "json").out)
    assert machine["runs"] == 2


def test_a_run_is_shown_by_any_of_its_names(jaxrig: Jaxrig, history: tuple[str, str]) -> None:
    for reference in (history[0], "latest~1", "night=1"):
        outcome = jaxrig("show", reference, "--format", "json")
        assert (outcome.code, outcome.err) == (0, "")
        assert json.loads(outcome.out)["run"] == history[0]
    outcome = jaxrig("show", "nobody")
    assert (outcome.code, outcome.out) == (2, "")
    assert "jaxrig: no single run is named 'nobody'; see `jaxrig runs`" in outcome.err


def test_logs_are_shown(jaxrig: Jaxrig, history: tuple[str, str]) -> None:
    assert "--- launch 0, part 0:\na log\n" in jaxrig("show", "night=1", "--log").out


def test_two_runs_are_compared(jaxrig: Jaxrig, history: tuple[str, str]) -> None:
    outcome = jaxrig("compare", "latest~1", "latest", "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    comparison = json.loads(outcome.out)
    assert (comparison["base"], comparison["candidate"]) == history
    assert [case["presence"] for case in comparison["cases"]] == ["both", "added"]


def test_a_comparison_gates_with_the_floors_of_jaxrig_toml(
    jaxrig: Jaxrig, store: Store, tmp_path: Path
) -> None:
    for luck in (1.0, 1.001, 1.002, 1.001, 1.0):
        add_run(store, {A: [luck] * 3, B: [luck] * 3})
    add_run(store, {A: [1.1] * 3, B: [1.0] * 3})
    outcome = jaxrig("compare", "latest~1", "latest")
    assert (outcome.code, outcome.err) == (1, f"jaxrig: slower: {A}\n")
    assert "slower" in outcome.out
    assert jaxrig("compare", "latest", "latest~1").code == 0
    (tmp_path / "jaxrig.toml").write_text("[floors]\n'*' = 0.2\n")
    same = jaxrig("compare", "latest~1", "latest", "--format", "json")
    assert (same.code, json.loads(same.out)["verdict"]) == (0, "same")


SLOWER = replace(SAME, verdict="slower", ratio=1.1, low=1.05, high=1.15, pairs=7, effect=0.1)
"""What is said of a pair in turns."""


@pytest.mark.parametrize("in_turns", [True, False])
def test_compared_cases_are_tests_of_junit_s(
    jaxrig: Jaxrig, store: Store, tmp_path: Path, in_turns: bool
) -> None:
    if in_turns:
        runs = add_pair(store, [SLOWER])
    else:
        for luck in (1.0, 1.001, 1.002, 1.001, 1.0, 1.1):
            add_run(store, {A: [luck] * 3})
        runs = ("latest~1", "latest")
    assert jaxrig("compare", *runs, "--junit", "junit.xml").code == 1
    (case,) = parsed((tmp_path / "junit.xml").read_text()).iter("testcase")
    assert (case.get("name"), case.get("classname")) == (A, "cpu")
    assert case.find("failure") is not None


def test_the_command_that_would_decide_is_printed(jaxrig: Jaxrig, store: Store) -> None:
    for luck in (1.0, 1.2, 1.4, 1.1, 1.0):
        add_run(store, {A: [luck] * 3}, suite="standard")
    add_run(store, {A: [1.1] * 3}, suite="standard", target="mine")
    out = jaxrig("compare", "latest~1", "latest").out
    assert "what is unclear, in turns: `jaxrig ab cpu mine --suite standard`\n" in out


def test_runs_measured_in_turns_keep_their_verdict(jaxrig: Jaxrig, store: Store) -> None:
    base, candidate = add_pair(store, [SLOWER])
    outcome = jaxrig("compare", base, candidate)
    assert (outcome.code, outcome.err) == (1, f"jaxrig: slower: {A} (time)\n")
    assert "measured in turns" in outcome.out
    reverse = jaxrig("compare", candidate, base)
    assert (reverse.code, reverse.out) == (2, "")
    assert f"`jaxrig compare {base} {candidate}`" in reverse.err


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
@pytest.mark.parametrize("command", ["runs", "cases", "targets", "machines"])
def test_results_go_to_stdout_in_every_format(
    jaxrig: Jaxrig, history: tuple[str, str], command: str, form: str
) -> None:
    outcome = jaxrig(command, "--format", form)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("\n") >= 2


def test_cases_are_selected(jaxrig: Jaxrig) -> None:
    cases = json.loads(
        jaxrig(
            "cases", "--case", "matmul/256/*", "--case", "dense/1/forward/f32", "--format", "json"
        ).out
    )
    assert [case["case"] for case in cases] == [A, "matmul/256/bf16", "dense/1/forward/f32"]


def test_the_database_is_named_by_option_then_environment(
    jaxrig: Jaxrig, history: tuple[str, str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("JAXRIG_DB", "sqlite:///other.db")
    assert "other.db" in jaxrig("runs").err
    assert jaxrig("runs", "--db", url).code == 0


def test_what_a_container_said_is_made_harmless_in_messages(jaxrig: Jaxrig) -> None:
    outcome = jaxrig("show", "\x1b[31m\nx", "--db", "sqlite:///\x1b[31m.db")
    assert outcome.code == 6
    assert "\x1b" not in outcome.err


HEAVY = {
    *("pandas", "numpy", "docker", "sqlalchemy", "alembic", "pydantic", "rich", "jax"),
    *("cyclonedx", "packageurl"),
}


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported(tmp_path, "--help") & HEAVY == set()


def test_listing_runs_does_not_import_pandas(tmp_path: Path, history: tuple[str, str]) -> None:
    found = imported(tmp_path, "runs") & HEAVY
    assert "sqlalchemy" in found  # so the test sees what is imported
    assert found <= {"sqlalchemy", "pydantic"}


def test_listing_cases_needs_no_database(tmp_path: Path) -> None:
    assert imported(tmp_path, "cases") & HEAVY <= {"pydantic"}


def test_a_reader_of_stdout_that_goes_away_is_no_error(
    tmp_path: Path, history: tuple[str, str]
) -> None:
    command = f"'{sys.executable}' -m harness.cli show latest --format json | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
