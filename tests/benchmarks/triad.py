"""`memory/triad` over the same triad in C (`triad.c`): JAX against `gcc -O3 -fopenmp`.

Both in one process, call for call in turns, on the same number of threads, with arrays of the
same size. The ratio is the median over the turns of C's time over JAX's: machines whose memory
others use, too, drift far more between turns than within one. Which pages the arrays get moves
either side by a tenth and stays for the life of a process: the figure is the median over several.
"""

import ctypes
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks.report import Figure
from tests.checkout import ROOT

CASE = "memory/triad/128MiB/f32"
LAUNCHES = 7
TURNS = 51
BOUND = 0.95
COMPILE = ("gcc", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC")


def against_c(folder: Path) -> Figure:
    """C's time over JAX's, in processes of their own: here nothing may import JAX."""
    threads = len(os.sched_getaffinity(0))
    library = folder / "triad.so"
    subprocess.run([*COMPILE, str(Path(__file__).with_suffix(".c")), "-o", library], check=True)
    launches = [_launch(library, threads) for _ in range(LAUNCHES)]
    ratios = [launch["ratio"] for launch in launches]
    return Figure(
        bench="memory/triad in JAX, bandwidth over that of C",
        value=round(statistics.median(ratios), 4),
        unit="ratio",
        bound=BOUND,
        better="higher",
        detail={
            "launches": launches,
            "threads": threads,
            "turns": TURNS,
            "compiler": " ".join(COMPILE),
        },
    )


def _launch(library: Path, threads: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.triad", str(library)],
        cwd=ROOT,
        env=environment(os.environ, threads),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def environment(own: Mapping[str, str], threads: int) -> dict[str, str]:
    """As many threads as JAX has, which do not spin while it is JAX's turn; and large pages for
    both, since which 4 KiB pages an array happens to get moves its bandwidth by some 10 %
    (https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html)."""
    openmp = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    pages = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    return {**own, **openmp, **pages, "JAX_PLATFORMS": "cpu"}


def measure(library: Path) -> dict[str, float]:
    """The ratio, and each side's median bandwidth (STREAM's count: three arrays)."""
    from workloads.builders import build
    from workloads.catalog import find
    from workloads.prepare import compile_
    from workloads.problem import Problem

    case = find(CASE)
    problem = build(case)
    assert isinstance(problem, Problem)
    ours, theirs = compile_(case, problem).call, c_triad(library, case.integer("elements"))
    pairs = [_turn(ours, theirs, first=turn % 2 == 0) for turn in range(TURNS)]
    return {
        "ratio": statistics.median(c_s / jax_s for jax_s, c_s in pairs),
        "jax_bytes_per_s": case.cost.bytes / statistics.median(jax_s for jax_s, _ in pairs),
        "c_bytes_per_s": case.cost.bytes / statistics.median(c_s for _, c_s in pairs),
    }


def c_triad(library: Path, elements: int) -> Callable[[], object]:
    """The same over C's own arrays; its result is checked once."""
    loaded = ctypes.CDLL(str(library))
    loaded.array.restype = ctypes.POINTER(ctypes.c_float)
    loaded.array.argtypes = [ctypes.c_long, ctypes.c_float]
    loaded.triad.restype = None
    a, b, c = (loaded.array(elements, value) for value in (0.0, 1.5, 2.5))
    arguments = (a, b, c, ctypes.c_float(3.0), ctypes.c_long(elements))
    loaded.triad(*arguments)
    assert (a[0], a[elements - 1]) == (9.0, 9.0)
    return lambda: loaded.triad(*arguments)


def _turn(
    ours: Callable[[], object], theirs: Callable[[], object], *, first: bool
) -> tuple[float, float]:
    """Seconds of one call each; which goes first changes from turn to turn."""
    if first:
        return _duration_s(ours), _duration_s(theirs)
    c_s = _duration_s(theirs)
    return _duration_s(ours), c_s


def _duration_s(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(Path(sys.argv[1]))))
