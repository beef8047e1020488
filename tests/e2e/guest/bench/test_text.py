import collections
import multiprocessing
import os

import pytest
import tabulate
from lines import joined


def test_plain_call(benchmark):
    assert benchmark(joined, [1, 2]) == "1\n2"


@pytest.mark.benchmark(group="tables")
@pytest.mark.parametrize("style", ["plain", "two words", collections.OrderedDict])
def test_table(benchmark, style):
    benchmark.extra_info["version"] = tabulate.__version__
    benchmark.extra_info["sizes"] = {"rows": [1, 2], "kind": style}
    benchmark.pedantic(tabulate.tabulate, args=([[1, 2]],), rounds=4, iterations=3)


def test_setup_and_rounds(benchmark, rows):
    benchmark.pedantic(joined, setup=lambda: ((list(rows),), {}), rounds=6, warmup_rounds=1)


def test_of_a_child_process(benchmark):
    def child():
        process = multiprocessing.get_context("spawn").Process(target=os.getpid)
        process.start()
        process.join()
        return process.exitcode

    assert benchmark.pedantic(child) == 0


def test_failing(benchmark):
    assert benchmark(len, "ab") == 3


def test_dying(benchmark):
    benchmark(len, "ab")
    os._exit(3)


def test_after_the_dying_one(benchmark):
    benchmark(len, "ab")


def test_no_benchmark():
    raise AssertionError("not to be run")


@pytest.mark.skip(reason="not today")
def test_skipped(benchmark):
    benchmark(len, "ab")
