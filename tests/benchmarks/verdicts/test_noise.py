import os
import time

from tests.benchmarks.verdicts.noise import noise


def children_cpu_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def test_it_loads_a_core_while_it_is_on_and_is_gone_afterwards() -> None:
    before = children_cpu_s()
    with noise():
        time.sleep(3)
    assert children_cpu_s() - before > 0.2


def test_where_it_is_off_nothing_runs() -> None:
    before = children_cpu_s()
    with noise(False):
        pass
    assert children_cpu_s() == before
