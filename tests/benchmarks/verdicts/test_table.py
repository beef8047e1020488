from functools import partial
from typing import Any

import pytest

from tests.benchmarks.verdicts import CASES
from tests.benchmarks.verdicts.ours import METRICS
from tests.benchmarks.verdicts.plan import Item, plan
from tests.benchmarks.verdicts.resample import called_slower
from tests.benchmarks.verdicts.table import Count, case_table, main_table, other_alarms


def result(item: Item) -> dict[str, Any]:
    """Everything that is slower is found, but for the first case; asv sees nothing by default."""
    verdict = "slower" if item.share else "same"
    said = dict.fromkeys(CASES, verdict) | {CASES[0]: "same"}
    if item.who != "jaxrig":
        return {"took_s": 60.0, "said": said, "said_by_default": dict.fromkeys(CASES, "")}
    verdicts = [
        {"case": case, "metric": metric, "verdict": said[case] if metric == "time" else "same"}
        for case in CASES
        for metric in METRICS
    ]
    logs = {metric: [[0.0] * len(CASES)] * 4 for metric in METRICS}
    return {"took_s": 120.0, "verdicts": verdicts, "logs": logs}


@pytest.fixture
def results() -> dict[Item, dict[str, Any]]:
    return {item: result(item) for item in plan()}


def test_intervals_are_exact() -> None:
    """0 of 60: 1 - 0.025 ** (1 / 60)."""
    assert Count(slower=0, decisions=60).interval() == pytest.approx((0, 1 - 0.025 ** (1 / 60)))
    assert str(Count(slower=0, decisions=60)) == "0 of 60 (0.0–6.0 %)"


def test_the_main_table_counts_by_who_and_noise(
    results: dict[Item, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = partial(called_slower, draws=20)
    monkeypatch.setattr("tests.benchmarks.verdicts.table.called_slower", few)
    rows = [
        [each.strip() for each in row.split("|")[1:-1]] for row in main_table(results).split("\n")
    ]
    ours = next(row for row in rows if row[:2] == ["jaxrig", "yes"])
    assert [each.split(" (")[0] for each in ours[2:]] == [
        *("0 of 60", "25 of 30", "25 of 30", "25 of 30", "20")
    ]
    by_default = next(row for row in rows if row[0].startswith("asv, by"))
    assert [each.split(" (")[0] for each in by_default[2:5]] == ["0 of 30", "", "0 of 30"]
    assert [row[0] for row in rows].count("jaxrig, resampled") == 2


def test_compile_times_and_memory_are_counted_apart(results: dict[Item, dict[str, Any]]) -> None:
    assert other_alarms(results) == Count(slower=0, decisions=11 * 2 * len(CASES))
    alarmed = next(item for item in results if item.who == "jaxrig" and item.share == 0)
    results[alarmed]["verdicts"][1]["verdict"] = "slower"
    assert other_alarms(results).slower == 1


def test_each_case_tells_what_its_ballast_was_measured_to_be(
    results: dict[Item, dict[str, Any]],
) -> None:
    claims = [
        {case: {"0.02": x, "0.05": 2 * x, "0.1": 4 * x} for case in CASES} for x in (0.02, 0.03)
    ]
    first = case_table(results, claims).split("\n")[2]
    assert [each.strip() for each in first.split("|")[1:-1]] == [
        *(CASES[0], "2.5 ± 6.4 %", "0 of 5", "5.0 ± 12.7 %", "0 of 5", "10.0 ± 25.4 %", "0 of 5")
    ]
