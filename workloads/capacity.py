"""How many sequences fit: the largest batch whose KV cache this launch's memory holds.

Found by bisection. Every step is a process of its own (`capacity_probe`): what a process that ran
out of memory has left behind must not count against the next, and a killed one must not take the
measurement along. A probe that fits decodes a few times, so each step also has a throughput: the
steps are the frontier that a server moves along. What is timed is decoding at the largest batch.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import IO

from workloads import room
from workloads.capacity_probe import DOES_NOT_FIT
from workloads.case import Case
from workloads.catalog import find
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.prepare import prepare
from workloads.problem import Activity, Observations
from workloads.transformer.phases import build as build_transformer

RESOLUTION = 1 / 32
"""The search ends when the smallest batch that does not fit is within this of the largest."""

LOG_CHARACTERS = 2000


class ProbeFailed(RuntimeError):
    """A probe that died of something else than want of memory."""


@dataclass(kw_only=True)
class Search:
    """What is known so far. `fits`: batch → tokens a second."""

    fits: dict[int, float] = field(default_factory=dict)
    fails: dict[int, str] = field(default_factory=dict)

    @property
    def largest(self) -> int:
        return max(self.fits, default=0)

    def settled(self) -> bool:
        return bool(self.fails) and min(self.fails) - self.largest <= max(
            1, int(self.largest * RESOLUTION)
        )

    def next(self, guess: int) -> int:
        """The batch to try: the guess, then outwards until it is bracketed, then the middle."""
        if not self.fits and not self.fails:
            return max(1, guess)
        if not self.fails:
            return 2 * self.largest
        return (self.largest + min(self.fails)) // 2


def search(try_batch: Callable[[int], float | str], guess: int) -> Search:
    """`try_batch`: tokens a second at a batch, or why it does not fit."""
    found = Search()
    while not found.settled():
        batch = found.next(guess)
        answer = try_batch(batch)
        if isinstance(answer, str):
            found.fails[batch] = answer
        else:
            found.fits[batch] = answer
    return found


def build(case: Case) -> Activity:
    """Parameters: those of TransformerSize, context, cap_bytes (0: no cap but the launch's)."""
    size = TransformerSize.of(case)
    per_sequence = 2 * size.layers * case.integer("context") * size.kv_heads * size.head_dim * 4
    limit_bytes = _limit_bytes(case)
    holding: list[Probe] = []

    def try_batch(batch: int) -> float | str:
        while holding:
            holding.pop().close()
        probe = Probe(case, batch, limit_bytes)
        holding.append(probe)
        return probe.first()

    found = Search()

    def check() -> float:
        error = _decode_error(case)
        nonlocal found
        found = search(try_batch, int(0.9 * (limit_bytes - case.memory_bytes) / per_sequence))
        if not found.largest:
            raise MemoryError(f"not one sequence fits: {found.fails[1]}")
        answer = try_batch(found.largest)
        if isinstance(answer, str):
            raise MemoryError(f"batch {found.largest} fitted once and then no more: {answer}")
        return error

    return Activity(
        call=lambda: holding[0].call(),
        check=check,
        observe=lambda: _observations(case, found, limit_bytes),
        close=lambda: [probe.close() for probe in holding],
    )


def _limit_bytes(case: Case) -> int:
    there = room.host_bytes() if room.device_bytes() is None else room.device_bytes()
    cap = case.integer("cap_bytes")
    if there is None:
        raise room.Unsuitable("how much memory there is cannot be read")
    return min(there, cap) if cap else there


def _decode_error(case: Case) -> float:
    """The probe runs the same program as the decode case, which is checked here, small."""
    small = find("transformer/nano/decode/f32")
    return prepare(small, build_transformer(small)).numerics_error


def _observations(case: Case, found: Search, limit_bytes: int) -> Observations:
    facts: dict[str, int | float | str] = {
        "capacity_batch": found.largest,
        "capacity_tokens": found.largest * case.integer("context"),
        "limit_bytes": limit_bytes,
    }
    facts |= {f"tokens_per_s_at_{batch}": rate for batch, rate in sorted(found.fits.items())}
    facts |= {f"does_not_fit_{batch}": why for batch, why in sorted(found.fails.items())}
    return facts


class Probe:
    """A process that holds a cache of `batch` sequences and decodes when it is told to."""

    def __init__(self, case: Case, batch: int, limit_bytes: int) -> None:
        self._batch = batch
        words = {**case.parameters, "batch": batch, "limit_bytes": limit_bytes}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workloads.capacity_probe", json.dumps(words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
            text=True,
        )

    def first(self) -> float | str:
        """Tokens a second, from a few calls; or why it does not fit. Raises `ProbeFailed`."""
        line = _pipe(self._process.stdout).readline()
        if line:
            return self._batch / median(json.loads(line))
        code = self._process.wait()
        log = _pipe(self._process.stderr).read()[-LOG_CHARACTERS:]
        if code == DOES_NOT_FIT:
            return "the allocator refused"
        if code == -signal.SIGKILL:
            return "killed for want of memory"
        raise ProbeFailed(f"batch {self._batch}: exit code {code}\n{log}")

    def call(self) -> None:
        """One decode of the whole batch; returns when it is done."""
        stdin = _pipe(self._process.stdin)
        stdin.write("again\n")
        stdin.flush()
        if not _pipe(self._process.stdout).readline():
            raise ProbeFailed(f"batch {self._batch}: ended with {self._process.wait()}")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - opened above
    return stream
