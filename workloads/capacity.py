"""The frontier of serving: the largest batch, or the longest context, whose KV cache fits.

Found by bisection. Every step is a process of its own (`capacity_probe`): what one that ran out
of memory has left behind must not count against the next, and a killed one must not take the
measurement along. A probe that fits decodes a few times, so that each step has its throughput.
What is timed afterwards is decoding at the batch and context that the case declares, which stay
the same however much fits.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from workloads import noise, room
from workloads.capacity_probe import DOES_NOT_FIT
from workloads.case import ITEMSIZE_BYTES, Case
from workloads.catalog.capacity import CONTEXT_UNIT
from workloads.catalog.transformer_costs import cache_elements
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.problem import Observations, Problem
from workloads.transformer.phases import decode_problem

RESOLUTION = 1 / 32
"""The search ends when the smallest that does not fit is within this of the largest that does."""

FIRST_GUESS = 0.8
"""Of the memory there is, what the cache may take: the rest is JAX, weights, and scores."""

WATCH_S = 0.01
"""Between two looks at what a probe has taken: it touches some 30 MB meanwhile."""

TOO_MUCH = "it takes more than the limit"

REASON_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A step that fits. `call_s`: of one decode. `peak_rss_bytes`: of the probe."""

    call_s: float
    peak_rss_bytes: int


@dataclass(kw_only=True)
class Search:
    """What is known so far, by size in whole units. `fails`: why it does not fit."""

    fits: dict[int, Fit] = field(default_factory=dict)
    fails: dict[int, str] = field(default_factory=dict)

    @property
    def largest(self) -> int:
        return max(self.fits, default=0)

    def settled(self) -> bool:
        """Whether the largest is known as exactly as it is wanted."""
        if not self.fails:
            return False
        return min(self.fails) - self.largest <= max(1, int(self.largest * RESOLUTION))

    def next(self, guess: int) -> int:
        """What to try: the guess, twice as much until it fails, then the middle."""
        if not self.fits and not self.fails:
            return max(1, guess)
        if not self.fails:
            return 2 * self.largest
        return (self.largest + min(self.fails)) // 2


def search(attempt: Callable[[int], Fit | str], guess: int) -> Search:
    """`attempt`: how a size fits, or why it does not. Raises what it raises."""
    found = Search()
    while not found.settled():
        size = found.next(guess)
        answer = attempt(size)
        if isinstance(answer, str):
            found.fails[size] = answer
        else:
            found.fits[size] = answer
    return found


def build(case: Case) -> Problem:
    """Parameters: those of `decode`; varied (batch, context), cap_bytes (0: all there is)."""
    return replace(decode_problem(case), observe=lambda _: frontier(case))


def frontier(case: Case) -> Observations:
    """Searches, and tells every step. Raises `MemoryError` where not even one unit fits."""
    limit_bytes = room_bytes(case)
    varied, batch = str(case.parameters["varied"]), case.integer("batch")
    unit = CONTEXT_UNIT if varied == "context" else 1

    def sized(units: int) -> dict[str, int]:
        return {"batch": batch, "context": case.integer("context"), varied: units * unit}

    elements = cache_elements(TransformerSize.of(case), **sized(1))
    unit_bytes = ITEMSIZE_BYTES[case.dtype] * elements
    found = search(
        lambda units: probe({**case.parameters, **sized(units)}, case.dtype, limit_bytes),
        int(FIRST_GUESS * limit_bytes / unit_bytes),
    )
    if not found.largest:
        raise MemoryError(f"{varied} {unit} does not fit: {found.fails[1]}")

    def rate(units: int, fit: Fit) -> float:
        return (units if varied == "batch" else batch) / fit.call_s

    return {
        f"capacity_{varied}": found.largest * unit,
        "limit_bytes": limit_bytes,
        "cache_bytes": found.largest * unit_bytes,
        "probe_peak_rss_bytes": found.fits[found.largest].peak_rss_bytes,
        **{
            f"tokens_per_s_at_{varied}_{units * unit}": rate(units, fit)
            for units, fit in sorted(found.fits.items())
        },
        **{
            f"does_not_fit_{varied}_{units * unit}": reason
            for units, reason in sorted(found.fails.items())
        },
    }


def room_bytes(case: Case) -> int:
    """What a probe may take: of the device, or of the host what is there, up to the cap.

    Raises `Unsuitable` where it cannot be told.
    """
    device = room.device_bytes()
    if device is not None:
        return device
    limit, own, available = room.host_bytes(), noise.rss_bytes(), room.available_bytes()
    if limit is None or own is None or available is None:
        raise room.Unsuitable("how much memory there is cannot be read")
    there = min(limit - own, available)
    return min(there, case.integer("cap_bytes") or there)


def probe(sized: dict[str, Any], dtype: str, limit_bytes: int) -> Fit | str:
    """How that fits into a process of its own, or why it does not.

    On the host the process is watched, and ended once it holds more than `limit_bytes`. What
    holds is what it touched, as for a container's limit; `RLIMIT_DATA` counts what is merely
    reserved too. Whatever else ends a probe is a reason as well: short of memory, libraries
    fail in words of their own.
    """
    words = json.dumps({**sized, "dtype": dtype})
    watched = room.device_bytes() is None
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "workloads.capacity_probe", words],
            stdout=said,
            stderr=log,
            env={**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
        )
        try:
            status = _watch(process, limit_bytes if watched else None)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        log.seek(0)
        if status is None:
            return TOO_MUCH
        if status:
            return why(status, log.read())
        answer = json.load(said)
    fit = Fit(call_s=median(answer["calls_s"]), peak_rss_bytes=answer["peak_rss_bytes"])
    return TOO_MUCH if watched and fit.peak_rss_bytes > limit_bytes else fit


def _watch(process: subprocess.Popen[bytes], limit_bytes: int | None) -> int | None:
    """The exit status of `process`; None as soon as it has taken more than `limit_bytes`."""
    status = Path(f"/proc/{process.pid}/status")
    while True:
        try:
            return process.wait(timeout=WATCH_S)
        except subprocess.TimeoutExpired:
            taken = noise.peak_rss_bytes(status)
        if limit_bytes is not None and taken is not None and taken > limit_bytes:
            return None


def why(status: int, log: str) -> str:
    """The reason why a probe ended with `status`, not 0."""
    if status == DOES_NOT_FIT:
        return "an allocation was refused"
    if status == -signal.SIGKILL:
        return "killed"
    said = log.strip().splitlines()
    return f"exit status {status}: {said[-1] if said else 'nothing was said'}"[:REASON_CHARACTERS]
