"""A process of its own that prints each quick case's peak memory, as one JSON object."""

import gc
import json
import sys

from workloads import noise
from workloads.builders import build
from workloads.catalog import select
from workloads.prepare import Prepared, prepare
from workloads.room import Unsuitable, check


def main() -> None:
    peaks: dict[str, int | None] = {}
    for case in select(suite="quick"):
        try:
            check(case)
        except Unsuitable:
            continue
        gc.collect()
        noise.reset_peak_rss()
        prepared: Prepared = prepare(case, build(case))
        prepared.close()
        del prepared
        peaks[case.id] = noise.peak_rss_bytes()
    sys.stdout.write(json.dumps(peaks) + "\n")


if __name__ == "__main__":
    main()
