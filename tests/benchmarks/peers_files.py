"""Saves samples as asv and pyperf themselves do, and tells how large their files are.

Runs where those are installed: `python peers_files.py FOLDER`, with {case: samples in seconds} as
JSON on stdin.
"""

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    folder, told = Path(sys.argv[1]), json.load(sys.stdin)
    folder.mkdir()
    sizes = {"asv": asv(folder / "asv", told), "pyperf": pyperf(folder / "pyperf.json", told)}
    sys.stdout.write(json.dumps(sizes) + "\n")


def asv(folder: Path, told: dict[str, list[float]]) -> int:
    from asv.results import Results
    from asv.runner import BenchmarkResult

    results = Results({"machine": "m"}, {}, "a" * 40, 0, "3.11", "env", {})
    for case, samples in told.items():
        benchmark: dict[str, Any] = {"name": case, "params": [], "version": "1", "type": "time"}
        result = BenchmarkResult(
            result=[sorted(samples)[len(samples) // 2]],
            samples=[samples],
            number=[1],
            errcode=0,
            stderr="",
            profile=None,
        )
        results.add_result(benchmark, result, record_samples=True)
    results.save(str(folder))
    return sum(path.stat().st_size for path in folder.rglob("*.json"))


def pyperf(path: Path, told: dict[str, list[float]]) -> int:
    from pyperf import Benchmark, BenchmarkSuite, Run

    suite = BenchmarkSuite(
        [
            Benchmark([Run(samples, metadata={"name": case}, collect_metadata=False)])
            for case, samples in told.items()
        ]
    )
    suite.dump(str(path))
    return path.stat().st_size


if __name__ == "__main__":
    main()
