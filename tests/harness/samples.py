"""Records as a launch prints them, with every field filled in."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.records import Benchmark, Environment, Measurement, Profile, parse
from workloads.catalog import UnknownCase, find

A, B, C = "matmul/256/f32", "matmul/512/f32", "matmul/1024/f32"

Record = Mapping[str, Any]


def environment(**changes: Any) -> dict[str, Any]:
    record = {
        "schema": 2,
        "kind": "environment",
        "platform": "cpu",
        "device_kinds": ["cpu"],
        "device_count": 1,
        "python": "3.13.5",
        "jax": "0.9.0",
        "jaxlib": "0.9.0",
        "packages": {"jax": "0.9.0"},
        "distribution": {"name": "debian", "release": "13", "packages": {"libc6:amd64": "2.41-12"}},
        "variables": {"JAX_PLATFORMS": "cpu"},
        "visible_cpus": [0, 1],
        "boot_id": None,
        "compilation_cache": False,
        "no_gpu": None,
    }
    return record | changes


def started(case: str) -> dict[str, Any]:
    return {"schema": 2, "kind": "case_started", "case": case}


def catalogued(case: str) -> dict[str, Any]:
    """What the catalogue says of a case, where it knows it."""
    try:
        known = find(case)
    except UnknownCase:
        return {}
    return {
        "workload": known.workload,
        "phase": known.phase,
        "dtype": known.dtype,
        "parameters": dict(known.parameters),
        "flops": known.cost.flops,
        "bytes": known.cost.bytes,
        "storage_bytes": known.cost.storage_bytes,
        "link_bytes": known.cost.link_bytes,
        "work_unit": None if known.work is None else known.work.unit,
        "work_count": None if known.work is None else known.work.count,
        "numerics_tolerance": known.tolerance,
    }


def measurement(case: str = A, samples_s: Sequence[float] = (1.0,), **changes: Any) -> Any:
    """Returns `dict[str, Any]`, typed loosely so that tests can spoil it."""
    record = {
        "schema": 2,
        "kind": "measurement",
        "case": case,
        "workload": case.partition("/")[0],
        "phase": "kernel",
        "dtype": case.rpartition("/")[2],
        "parameters": {"m": 256, "scale": 0.5, "name": "x"},
        "samples_s": list(samples_s),
        "calls_per_round": 1,
        "trace_s": 0.01,
        "lower_s": 0.02,
        "compile_s": 0.3,
        "first_call_s": 0.04,
        "flops": 2e9,
        "bytes": 4e6,
        "storage_bytes": 0.0,
        "link_bytes": 0.0,
        "work_unit": None,
        "work_count": None,
        "xla_flops": 1.9e9,
        "xla_bytes": None,
        "argument_bytes": 1024,
        "output_bytes": 512,
        "alias_bytes": 512,
        "temp_bytes": 0,
        "kernels": None,
        "product_bytes": None,
        "turned_bytes": None,
        "streamed_bytes": None,
        "arguments": None,
        "results": None,
        "peak_rss_bytes": 1 << 28,
        "device_peak_bytes": None,
        "hlo_sha256": "0" * 64,
        "numerics_error": 1e-6,
        "numerics_tolerance": 1e-3,
        "minor_faults": 3,
        "major_faults": 0,
        "voluntary_switches": 2,
        "involuntary_switches": 1,
        "steal_s": 0.0,
        "timed_s": 2.5,
        "gpu": None,
        "observations": {},
        "warnings": [],
    }
    return record | changes


def gpu(*sm_clocks_hz: float | None, **changes: Any) -> dict[str, Any]:
    """What was seen of a GPU whose rounds ended at these clocks."""
    reading = {
        "sm_clock_hz": 1.9e9,
        "throttle_reasons": ["gpu_idle"],
        "power_w": 350.5,
        "temperature_c": 55.0,
        "ecc_errors": 0,
        "energy_j": 1.5,
    }
    seen = {
        "name": "Testing GPU",
        "uuid": "GPU-1234",
        "max_sm_clock_hz": 2e9,
        "application_sm_clock_hz": None,
        "before": reading,
        "after": reading | {"energy_j": 9.5},
        "sm_clocks_hz": list(sm_clocks_hz),
        "throttle_reasons": [],
        "marked": [],
        "set_aside_s": [],
        "looked_at": None,
        "others": [],
    }
    return seen | changes


def profile(case: str = A, **changes: Any) -> dict[str, Any]:
    record = {
        "schema": 2,
        "kind": "profile",
        "case": case,
        "calls": 4,
        "wall_s": 2.0,
        "device_s": 1.0,
        "operations": [
            {"name": "dot.1", "count": 4, "seconds": 0.5},
            {"name": "dot.2", "count": 8, "seconds": 0.25},
            {"name": "add", "count": 4, "seconds": 0.125},
        ],
        "other_operations_s": 0.0625,
    }
    return record | changes


def parsed_profile(case: str = A, **changes: Any) -> Profile:
    found = parse(line(profile(case, **changes)))
    assert isinstance(found, Profile)
    return found


def one_more(*sm_clocks_hz: float | None, **changes: Any) -> dict[str, Any]:
    """Of another GPU beside it."""
    of_all = ("set_aside_s", "looked_at", "others")
    return {
        name: value for name, value in gpu(*sm_clocks_hz).items() if name not in of_all
    } | changes


def benchmark(case: str, samples_s: Sequence[float] = (1.0,), **changes: Any) -> dict[str, Any]:
    """Of a suite of one's own."""
    record = {
        "schema": 2,
        "kind": "benchmark",
        "case": case,
        "group": "tables",
        "parameters": {"n": 10, "style": None},
        "extra_info": {"sizes": [1, {"deep": True}], "note": "é"},
        "samples_s": list(samples_s),
        "calls_per_round": 3,
        "options": {"timer": "time.perf_counter", "disable_gc": False, "precision": None},
        "platform": "cpu",
        "peak_rss_bytes": 1 << 28,
        "minor_faults": 3,
        "major_faults": 0,
        "voluntary_switches": 2,
        "involuntary_switches": 1,
        "steal_s": 0.0,
        "timed_s": 2.5,
        "in_turns": False,
        "gpu": None,
        "warnings": [],
    }
    return record | changes


def collected(*benchmarks: str, **changes: Any) -> dict[str, Any]:
    record = {
        "schema": 2,
        "kind": "collected",
        "benchmarks": list(benchmarks),
        "others": [],
        "failures": [],
    }
    return record | changes


def skipped(case: str, reason: str = "too large") -> dict[str, Any]:
    return {"schema": 2, "kind": "skipped", "case": case, "reason": reason}


def failure(case: str, kind: str = "raised", message: str = "boom") -> dict[str, Any]:
    return {"schema": 2, "kind": "failure", "case": case, "failure": kind, "message": message}


def finished(cases: int) -> dict[str, Any]:
    return {"schema": 2, "kind": "finished", "cases": cases}


def line(record: Record) -> bytes:
    return json.dumps(record).encode() + b"\n"


def lines(*records: Record) -> bytes:
    return b"".join(map(line, records))


def measured(case: str, samples_s: Sequence[float] = (1.0,), **changes: Any) -> bytes:
    """Both lines of a case that went well, as the catalogue has it."""
    return lines(started(case), measurement(case, samples_s, **(catalogued(case) | changes)))


def parsed_measurement(
    case: str = A, samples_s: Sequence[float] = (1.0,), **changes: Any
) -> Measurement:
    record = parse(line(measurement(case, samples_s, **changes)))
    assert isinstance(record, Measurement)
    return record


def parsed_environment(**changes: Any) -> Environment:
    record = parse(line(environment(**changes)))
    assert isinstance(record, Environment)
    return record


def parsed_benchmark(case: str, samples_s: Sequence[float] = (1.0,), **changes: Any) -> Benchmark:
    record = parse(line(benchmark(case, samples_s, **changes)))
    assert isinstance(record, Benchmark)
    return record
