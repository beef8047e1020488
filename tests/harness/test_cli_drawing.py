"""What `jaxrig history` draws on a terminal, and nowhere else."""

import io
from pathlib import Path

import pytest

from harness.cli import dispatch
from harness.cli.drawing import MOST
from harness.cli.words import columns_of
from harness.store.writer import Store
from tests.command import Jaxrig as Command
from tests.command import imported
from tests.harness.called import Jaxrig, Outcome, called
from tests.harness.history import add_run
from tests.harness.test_cli_changes import run_id
from tests.harness.test_git import git

CASE, OTHER = "matmul/256/f32", "matmul/512/f32"


class Terminal(io.StringIO):
    """A terminal that takes what `encoding` can say."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


def on_terminal(*words: str, encoding: str = "utf-8") -> Outcome:
    out, err = Terminal(encoding), io.StringIO()
    code = dispatch(words, out, err)
    return Outcome(code, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def step(jaxrig: Jaxrig, store: Store) -> list[str]:
    """A case that takes twice as long from one run on, and one that does not."""
    return [add_run(store, {CASE: [1.0 + (run >= 12)], OTHER: [1.0]}) for run in range(24)]


def has_dots(text: str) -> bool:
    return any("\u2800" < character <= "\u28ff" for character in text)


@pytest.mark.parametrize("what", [(), ("--changes",)])
def test_on_a_terminal_series_are_above_the_table(step: list[str], what: tuple[str, ...]) -> None:
    done = on_terminal("history", CASE, *what)
    above, table, below = done.out.partition("\ncase" if not what else "\n   case")
    assert (done.code, done.err, bool(table)) == (0, "", True)
    assert above.startswith(f"{CASE} on testbed (")
    assert has_dots(above)
    assert not has_dots(below)
    assert max(map(len, above.splitlines())) <= 80
    assert " A" in above.splitlines()[1]
    assert f"{table}{below}" == f"\n{called('history', CASE, *what).out}"


def test_a_change_has_the_letter_of_the_table(step: list[str]) -> None:
    (line,) = [line for line in on_terminal("history", CASE).out.splitlines() if line[:2] == "A:"]
    assert "1.00 s → 2.00 s, 2.000 (2.000 … 2.000)" in line
    page = on_terminal("history", "*", "--changes").out
    assert page.count(f"{CASE} on testbed") == 1
    assert f"{OTHER} on testbed" not in page


@pytest.mark.parametrize(
    "words",
    [
        ("--no-plot",),
        ("--no-plot", "--changes"),
        ("--format", "md"),
        ("--format", "json", "--changes"),
        ("--levels",),
    ],
)
def test_where_nobody_wants_it_nothing_is_drawn(step: list[str], words: tuple[str, ...]) -> None:
    drawn = on_terminal("history", CASE, *words)
    assert drawn == called("history", CASE, *words)
    assert not has_dots(drawn.out)


def test_a_terminal_without_braille_gets_ascii(step: list[str]) -> None:
    out = on_terminal("history", CASE, encoding="latin-1").out
    drawn = out.partition("\nA:")[0]
    assert drawn.isascii()
    assert "''''" in drawn


def test_few_are_drawn_and_the_others_told(jaxrig: Jaxrig, store: Store) -> None:
    for target in ("a", "b", "c", "d"):
        add_run(store, {CASE: [1.0], OTHER: [1.0]}, target=target)
    done = on_terminal("history", "*")
    assert done.out.count(" on testbed (") == MOST
    assert "3 series are drawn; names, --machine and --target choose others" in done.err
    alone = on_terminal("history", OTHER, "--target", "d")
    assert (alone.out.count(f"{OTHER} on testbed ("), alone.err) == (1, "")


def test_what_is_no_point_is_not_drawn(jaxrig: Jaxrig, store: Store) -> None:
    """Runs that were measured in turns are listed alone."""
    base, candidate = (run_id(store, add_run(store, {CASE: [1.0]})) for _ in range(2))
    store.pair_runs(base, candidate, rounds=21, rule={})
    done = on_terminal("history", CASE)
    assert done.out == called("history", CASE).out


def test_it_is_drawn_in_the_order_that_is_asked_for(
    jaxrig: Jaxrig, store: Store, tmp_path: Path
) -> None:
    """And what is to be known of that is said once."""
    git(tmp_path, "init", "-q")
    for _ in range(24):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "next")
    commits = git(tmp_path, "rev-list", "--reverse", "HEAD").split()
    for commit in (*commits[::2], *commits[1::2], None):
        slow = commit is not None and commits.index(commit) >= 12
        add_run(store, {CASE: [1.0 + slow]}, git_commit=commit)
    by_time, by_commit = (
        on_terminal("history", CASE, "--order", order) for order in ("time", "commit")
    )
    assert "\nB: " in by_time.out
    assert "\nB: " not in by_commit.out
    assert by_commit.err.count("this checkout does not know") == 1


def test_a_terminal_s_width_is_used(monkeypatch: pytest.MonkeyPatch, step: list[str]) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert columns_of(Terminal()) == 120
    assert columns_of(io.StringIO()) == 80
    bottom = next(line for line in on_terminal("history", CASE).out.splitlines() if "└" in line)
    assert len(bottom) == 119
    assert "launches" in on_terminal("show", "latest").out


def test_nothing_is_drawn_into_a_pipe(step: list[str], tmp_path: Path) -> None:
    done = Command(folder=tmp_path)("history", CASE)
    assert (done.code, has_dots(done.out)) == (0, False)
    assert done.out.startswith("case ")


def test_what_draws_is_imported_on_terminals_alone(step: list[str], tmp_path: Path) -> None:
    loaded = imported(tmp_path, "history", CASE, "--changes")
    assert "harness.changes" in loaded
    assert not {"plotille", "harness.report.dots"} & loaded
