"""What the machine did between two moments, from the kernel's counters."""

import os
import time
from dataclasses import replace

import pytest

from harness.noise import Snapshot, between, snapshot

BEFORE = Snapshot(at_s=100.0, busy_s=50.0, steal_s=3.0, load_1m=0.5, throttles=7, frequency_hz=2e9)


def test_noise_is_the_difference_of_two_snapshots() -> None:
    cpus = os.cpu_count() or 1
    after = Snapshot(
        at_s=110.0,
        busy_s=50.0 + 5.0 * cpus,
        steal_s=3.0 + 1.0 * cpus,
        load_1m=1.5,
        throttles=9,
        frequency_hz=3e9,
    )
    assert between(BEFORE, after).as_dict() == pytest.approx(
        {
            "duration_s": 10.0,
            "busy_share": 0.5,
            "steal_share": 0.1,
            "load_before": 0.5,
            "load_after": 1.5,
            "throttle_events": 2,
            "frequency_before_hz": 2e9,
            "frequency_after_hz": 3e9,
        }
    )


def test_what_a_machine_does_not_tell_stays_unknown() -> None:
    silent = replace(BEFORE, at_s=101.0, throttles=None, frequency_hz=None)
    noise = between(silent, replace(silent, at_s=102.0))
    assert noise.throttle_events is None
    assert noise.frequency_after_hz is None
    assert between(BEFORE, silent).throttle_events is None


def test_work_shows_in_the_counters() -> None:
    before = snapshot()
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        pass
    noise = between(before, snapshot())
    assert 0.2 <= noise.duration_s < 5
    # The kernel counts in ticks of 10 ms; what it took from us, it may count as stolen.
    assert noise.busy_share + noise.steal_share > 0.2 / (os.cpu_count() or 1)
    assert noise.busy_share < 1.25
