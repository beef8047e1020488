import re
import subprocess
import sys
from itertools import pairwise

import pytest

from workloads.builders import BUILDERS
from workloads.case import CEILINGS, ITEMSIZE_BYTES, SIZES
from workloads.catalog import CASES, UnknownCase, UnknownSuite, find, select


def test_importing_the_catalogue_loads_no_array_library() -> None:
    probe = "import sys, workloads.catalog; print(sorted({'jax', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_ids_are_unique_paths_that_end_in_the_dtype() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    for case in CASES:
        assert re.fullmatch(rf"{case.workload}(/[A-Za-z0-9_.\-]+)+/{case.dtype}", case.id)


def test_every_workload_has_a_builder() -> None:
    assert {case.workload for case in CASES} == set(BUILDERS)


def test_every_workload_is_touched_by_every_suite() -> None:
    for suite in SIZES:
        assert {case.workload for case in select(suite=suite)} == set(BUILDERS)


def test_every_case_is_in_a_suite_and_costs_something() -> None:
    for case in CASES:
        assert "full" in case.suites or case.suites == (CEILINGS,)
        assert case.cost.flops >= 0
        assert case.cost.bytes >= 0
        assert case.tolerance >= 0


def test_the_dtypes_are_those_of_the_catalogue() -> None:
    assert {case.dtype for case in CASES} <= set(ITEMSIZE_BYTES)


def test_costs_of_known_cases() -> None:
    assert find("matmul/2048/f32").cost.flops == 2 * 2048**3
    assert find("matmul/1x4096x4096/bf16").cost.bytes == 2 * (4096 + 4096**2 + 4096)
    assert find("activation/relu/64MiB/f32").cost.bytes == 2 * 64 * 2**20


def test_globs_select_in_the_catalogue_s_order() -> None:
    chosen = select(["dense/1/forward/*", "matmul/256/*"])
    assert [case.id for case in chosen] == [
        "matmul/256/f32",
        "matmul/256/bf16",
        "dense/1/forward/f32",
        "dense/1/forward/bf16",
    ]


def test_a_glob_matches_the_whole_id_and_its_letters_exactly() -> None:
    assert select(["matmul"]) == ()
    assert select(["MATMUL/*"]) == ()


def test_every_suite_holds_the_one_before() -> None:
    sizes = [{case.id for case in select(suite=suite)} for suite in SIZES]
    assert all(smaller <= larger for smaller, larger in pairwise(sizes))
    assert sizes[0] < sizes[1] < sizes[2]


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(UnknownSuite, match="quick, standard, full"):
        select(suite="fast")
    with pytest.raises(UnknownCase, match="matmul/3/f32"):
        find("matmul/3/f32")
