"""What the peers print, cut from what they printed, and what it says of each case."""

from tests.benchmarks.verdicts import CASES
from tests.benchmarks.verdicts.peers import asv_said, pyperf_said, pytest_benchmark_said

PYTEST_BENCHMARK = """
Performance has regressed:
\ttest_case[matmul/512/f32] (0001_unversi) - Field 'mean' has failed PercentageRegressionCheck: \
5.119468845 > 5.000000000
\ttest_case[memory/triad/64MiB/f32] (0001_unversi) - Field 'mean' has failed \
PercentageRegressionCheck: 40.000298693 > 5.000000000
"""

PYPERF = """
matmul/512/f32: Mean +- std dev: [base] 1.40 ms +- 0.10 ms -> [candidate] 1.51 ms +- 0.11 ms: \
1.07x slower
matmul/1024/f32: Mean +- std dev: [base] 10.5 ms +- 0.2 ms -> [candidate] 9.9 ms +- 0.3 ms: \
1.06x faster

Benchmark hidden because not significant (2): dispatch/call/f32, dispatch/chain/f32

Geometric mean: 1.09x slower
"""

ASV = """
| Change   | Before [fc00ab3d] <base>   | After [969d44d6] <slower>   | Ratio   | Benchmark |
|----------|----------------------------|-----------------------------|---------|-----------|
|          | 30.7±2μs | 35.6±5μs | ~1.16 | asv_suite.Cases.time_case('dispatch/call/f32') |
| +        | 4.51±0.3ms | 5.95±0.3ms | 1.32 | asv_suite.Cases.time_case('matmul/512/f32') |
| -        | 20.7±2ms | 15.9±2ms | 0.77 | asv_suite.Cases.time_case('matmul/1024/f32') |
"""


def test_pytest_benchmark_names_what_is_slower_alone() -> None:
    said = pytest_benchmark_said(PYTEST_BENCHMARK)
    assert list(said) == list(CASES)
    assert {case for case, what in said.items() if what == "slower"} == {
        "matmul/512/f32",
        "memory/triad/64MiB/f32",
    }
    assert set(pytest_benchmark_said("6 passed").values()) == {""}


def test_pyperf_names_what_is_not_significant_at_the_end() -> None:
    assert pyperf_said(PYPERF) == {
        "matmul/512/f32": "slower",
        "matmul/1024/f32": "faster",
        "dispatch/call/f32": "",
        "dispatch/chain/f32": "",
    }


def test_asv_marks_its_rows() -> None:
    assert asv_said(ASV) == {
        "dispatch/call/f32": "",
        "matmul/512/f32": "slower",
        "matmul/1024/f32": "faster",
    }
