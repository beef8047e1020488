"""What `jaxrig run` measures: the suite that is asked for, and before it what explains it."""

from pathlib import Path

import pytest

from harness.cli import _parser
from harness.cli.run import _plans


@pytest.mark.parametrize(
    ("words", "suites"),
    [
        ((), ["quick"]),
        (("--suite", "standard"), ["ceilings", "standard"]),
        (("--suite", "full"), ["ceilings", "full"]),
        (("--suite", "standard", "--no-ceilings"), ["standard"]),
        (("--suite", "standard", "--case", "matmul/*"), ["standard"]),
        (("--suite", "ceilings"), ["ceilings"]),
    ],
)
def test_a_whole_suite_begins_with_the_ceilings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], suites: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = _parser().parse_args(["run", *words, "--tag", "night=1", "--isolation", "process"])
    plans = list(_plans(arguments))
    assert [plan.suite for plan in plans] == suites
    assert all(dict(plan.tags) == {"night": "1"} for plan in plans)
    assert {plan.isolation for plan in plans} == {"process"}
