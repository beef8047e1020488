"""A suite of one's own is found where it is named, and its cases are chosen by globs or names."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.own import OwnSuite, find_suite

CASES = ("test_a.py::test_sum[10]", "test_a.py::test_sum[1]", "sub/test_b.py::test_c")


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    (tmp_path / "bench" / "sub").mkdir(parents=True)
    (tmp_path / "bench" / "sub" / "test_b.py").touch()
    (tmp_path / "bench" / "helper.py").touch()
    return tmp_path / "bench"


def test_a_folder_is_a_suite_of_its_name(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_suite(bench, ["x"]) == OwnSuite(folder=bench, globs=("x",))
    assert find_suite(bench).name == "own:bench"
    monkeypatch.chdir(bench)
    assert find_suite(Path()).name == "own:bench"


def test_a_file_is_measured_alone_whatever_its_name(bench: Path) -> None:
    suite = find_suite(bench / "helper.py")
    assert (suite.folder, suite.file, suite.name) == (bench, "helper.py", "own:bench/helper.py")


def test_settings_may_name_other_files(tmp_path: Path) -> None:
    (tmp_path / "bench_a.py").touch()
    with pytest.raises(UsageError, match=r"no test_\*\.py or \*_test\.py in that folder"):
        find_suite(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_files = bench_*.py\n")
    assert find_suite(tmp_path).folder == tmp_path


@pytest.mark.parametrize(
    ("name", "words"), [("nowhere", "does not exist"), ("text.txt", "is no Python file")]
)
def test_what_is_no_suite_is_a_usage_error(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "text.txt").touch()
    with pytest.raises(UsageError, match=words) as refused:
        find_suite(tmp_path / name)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("globs", "chosen"),
    [
        ((), CASES),
        (("*test_sum*",), CASES[:2]),
        (("test_a.py::test_sum[10]",), CASES[:1]),  # the id itself, though [10] is a glob's class
        (("sub/*", "*[[]10]"), (CASES[0], CASES[2])),
    ],
)
def test_cases_are_chosen_in_their_order(globs: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    assert OwnSuite(folder=Path("/b"), globs=globs).select(CASES) == chosen


def test_a_glob_without_a_match_is_a_usage_error_that_names_cases() -> None:
    suite = OwnSuite(folder=Path("/b"), globs=("sub/*", "nope*"))
    with pytest.raises(UsageError, match=r"no case of own:b matches 'nope\*'; it has test_a"):
        suite.select(CASES)
    with pytest.raises(UsageError, match=r"… \(9\)"):
        suite.select(CASES * 3)
    assert suite.select(CASES, complete=False) == CASES[2:]  # the rest could not be collected
