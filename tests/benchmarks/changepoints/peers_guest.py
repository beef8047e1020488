"""In the peers' own environment: series from stdin as JSON, the changes that are found to stdout.

Each is called as its users have it by default.
"""

import json
import sys
from collections.abc import Callable, Sequence


def otava() -> Callable[[Sequence[float]], list[int]]:
    from otava.series import Metric, Series

    def find(values: Sequence[float]) -> list[int]:
        named = {"m": list(values)}
        series = Series("series", None, list(range(len(values))), {"m": Metric()}, named, {})
        return [int(change.index) for change in series.analyze().change_points["m"]]

    return find


def asv() -> Callable[[Sequence[float]], list[int]]:
    from asv.step_detect import detect_steps

    def find(values: Sequence[float]) -> list[int]:
        return [int(step[0]) for step in detect_steps(list(values))][1:]

    return find


def main(name: str) -> None:
    find = {"otava": otava, "asv": asv}[name]()
    json.dump([find(values) for values in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
