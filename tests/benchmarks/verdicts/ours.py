"""One series of `jaxrig ab`, run as its users run it."""

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.stats.paired import log_ratios
from tests.benchmarks.verdicts import CASES, SUITE
from tests.command import Jaxrig

METRICS = ("time", "compile_time", "memory")
DONE, REGRESSION = 0, 1


def compare(jaxrig: Jaxrig, base: str, candidate: str) -> dict[str, Any]:
    """Seconds it took, what was said of every case and metric, and each pair's log ratios by
    metric, in the order of `CASES` (null: not measured)."""
    start = time.perf_counter()
    words = [f"--case={case}" for case in CASES]
    done = jaxrig(
        *("ab", base, candidate, "--suite", SUITE, *words, "--format", "json"), timeout_s=3600
    )
    took_s = time.perf_counter() - start
    assert done.code in (DONE, REGRESSION), done.err
    said = json.loads(done.out)
    sides = [jaxrig.json("show", said[side])["measurements"] for side in ("base", "candidate")]
    kept = ("case", "metric", "verdict", "ratio", "low", "high", "pairs")
    return {
        "took_s": took_s,
        "exit": done.code,
        "verdicts": [{key: each[key] for key in kept} for each in said["cases"]],
        "logs": pairs(*sides),
    }


Measurements = Sequence[dict[str, Any]]


def pairs(base: Measurements, candidate: Measurements) -> dict[str, list[list[float | None]]]:
    """By metric, of each launch pair, of each case: log(candidate / base)."""
    found = {(each["launch"], each["case"]): each for each in candidate}
    by_pair: dict[int, dict[str, dict[str, float]]] = {}
    for each in base:
        turned = found.get((each["launch"], each["case"]))
        if turned is not None:
            by_pair.setdefault(each["launch"], {})[each["case"]] = _logs(each, turned)
    return {
        metric: [
            [by_case.get(case, {}).get(metric) for case in CASES]
            for _, by_case in sorted(by_pair.items())
        ]
        for metric in METRICS
    }


def _logs(base: dict[str, Any], candidate: dict[str, Any]) -> dict[str, float]:
    def compile_s(side: dict[str, Any]) -> float:
        if side["compile_s"] is None:  # nothing is compiled
            return float("nan")
        return float(side["trace_s"] + side["lower_s"] + side["compile_s"])

    def memory(side: dict[str, Any]) -> float:
        return float(side["device_peak_bytes"] or side["peak_rss_bytes"])

    found = {
        "time": float(log_ratios(base["samples_s"], candidate["samples_s"])),
        "compile_time": float(np.log(compile_s(candidate) / compile_s(base))),
        "memory": float(np.log(memory(candidate) / memory(base))),
    }
    return {metric: log for metric, log in found.items() if not np.isnan(log)}
