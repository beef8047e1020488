"""The parts of the plugin that need no pytest run; the whole is in test_guest.py."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from workloads.guest_plugin import (
    CASE_CHARACTERS,
    SAMPLES,
    Unmeasured,
    acceptable,
    cause_first,
    few,
    samples_s,
    unlike_others,
    what_failed,
    why_disabled,
)


class Settings:
    """As much of pytest's configuration as is asked for."""

    def __init__(self, benchmark: bool = True, **options: Any) -> None:
        self._options = options
        names = {"pytest-benchmark"} if benchmark else set()
        self.pluginmanager = SimpleNamespace(hasplugin=names.__contains__)

    def getoption(self, name: str, default: Any) -> Any:
        return self._options.get(name, default)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(), None),
        (Settings(dist="no", numprocesses=None, benchmark_disable=False), None),
        (Settings(benchmark_disable=True, benchmark_enable=True), None),
        (Settings(benchmark_disable=True), "--benchmark-disable"),
        (Settings(dist="load"), "pytest-xdist"),
        (Settings(numprocesses=2), "pytest-xdist"),
        (Settings(benchmark=False), "pytest-benchmark is not there"),
    ],
)
def test_settings_under_which_nothing_is_timed_are_named(
    settings: Settings, words: str | None
) -> None:
    found = why_disabled(cast("pytest.Config", settings))
    assert found is None if words is None else words in str(found)


def test_samples_stay_as_they_are() -> None:
    assert samples_s([3.0, 5e-324, 1.0]) == [3.0, 5e-324, 1.0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([1.0, 0.0, -1.0], "2 of 3 samples are not times above zero"),
        ([float("nan")], "1 of 1 samples"),
        ([], "0 of 0 samples"),
        ([1.0] * (SAMPLES + 1), "the most is 1,000,000"),
    ],
    ids=["coarse", "nan", "none", "many"],
)
def test_what_is_no_time_is_refused_with_advice(data: list[float], words: str) -> None:
    with pytest.raises(Unmeasured, match=words):
        samples_s(data)


def test_another_clock_and_a_single_round_are_said() -> None:
    assert unlike_others({"timer": "time.perf_counter"}, rounds=2) == []
    clock, single = unlike_others({"timer": "time.process_time"}, rounds=1)
    assert clock.startswith("timed by time.process_time")
    assert single.startswith("one round only")


def test_ids_that_the_host_takes() -> None:
    assert acceptable("bench/test_a.py::TestB::test_c[two words-é-1e-3]")
    for odd in ("", "a\nb", "a\x1bb", "a\u202eb", "x" * (CASE_CHARACTERS + 1)):
        assert not acceptable(odd)


def test_many_warnings_are_counted() -> None:
    assert few(["a"]) == ["a"]
    shown = few(["x" * 9999] * 1000)
    assert max(map(len, shown)) <= 500
    assert shown[10:] == ["and 990 more of this kind"]


def test_the_error_comes_first() -> None:
    assert cause_first("a\nE   one\nb\nE   two\nc").splitlines()[0] == "two"
    assert cause_first("no such line") == "no such line"
    assert what_failed(MemoryError("9 GB"), "account") == (
        "out_of_memory",
        "MemoryError: 9 GB\naccount",
    )
    assert what_failed(None, "[XPASS(strict)]") == ("raised", "[XPASS(strict)]")
