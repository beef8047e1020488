"""`python -m tests.benchmarks.first_answer URL` reads every case of every run into a frame, once:
how long it took, and how long the imports did, as JSON."""

import json
import sys
import time


def main(url: str) -> None:
    start = time.perf_counter()
    import harness.frames
    import harness.results
    import harness.store.series

    imported = time.perf_counter()
    with harness.results.Results(url) as results:
        rows = len(results.query("*"))
    told = {
        "rows": rows,
        "imports_s": imported - start,
        "answer_s": time.perf_counter() - imported,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
