import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from harness import records
from workloads.environment import (
    UnknownPlatform,
    boot_id,
    canonical_platform,
    compilation_cache,
    environment,
    environment_apart,
    started_platform,
)


def test_the_record_is_what_the_host_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=")
    monkeypatch.setenv("SECRET", "not to be told")
    record = records.parse(json.dumps(environment()).encode())
    assert isinstance(record, records.Environment)
    assert record.platform == "cpu"
    assert record.jax == jax.__version__
    assert record.packages["jax"] == jax.__version__
    assert record.variables["XLA_FLAGS"] == "--xla_dump_to="
    assert "SECRET" not in record.variables
    assert record.visible_cpus == sorted(os.sched_getaffinity(0))


def test_a_child_tells_the_same() -> None:
    assert environment_apart() == environment()


def test_a_child_in_which_jax_fails_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_ENABLE_X64", "perhaps")
    record = records.parse(json.dumps(environment_apart()).encode())
    assert isinstance(record, records.Environment)
    assert (record.platform, record.jax, record.device_count) == ("none", jax.__version__, 0)
    assert record.device_kinds[0].startswith("JAX cannot be started: ")
    assert "perhaps" in record.device_kinds[0]


def test_without_jax_there_is_an_environment_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("workloads.environment.installed", lambda _: None)
    record = records.parse(json.dumps(environment_apart()).encode())
    assert isinstance(record, records.Environment)
    assert (record.platform, record.jax, record.jaxlib) == ("none", None, None)
    assert (record.device_kinds, record.device_count) == ([], 0)
    assert record.packages["pytest"]


QUESTIONS = """
from workloads.environment import started_platform
print(started_platform())
import jax
print(started_platform())
jax.devices()
print(started_platform())
"""


def test_whether_jax_has_been_started_is_told_without_starting_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUESTIONS], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "None", "cpu"]
    assert started_platform() in (None, "cpu")


@pytest.mark.parametrize(
    ("name", "described", "platform"),
    [
        ("cpu", "cpu", "cpu"),
        ("gpu", "PJRT C API\ncuda 12090", "cuda"),
        ("gpu", "PJRT C API\nrocm 60000", "rocm"),
        ("cuda", "", "cuda"),
        ("tpu", "PJRT C API\nTFRT TPU v5", "tpu"),
        ("METAL", "", "metal"),
    ],
)
def test_platforms_go_by_the_schema_s_words(name: str, described: str, platform: str) -> None:
    assert canonical_platform(name, described) == platform


def test_an_unknown_gpu_is_refused() -> None:
    with pytest.raises(UnknownPlatform):
        canonical_platform("gpu", "oneapi")


def test_a_boot_id_that_is_not_told_is_none(tmp_path: Path) -> None:
    assert boot_id(tmp_path / "absent") is None


def test_the_cache_counts_only_with_a_place_to_be() -> None:
    before = jax.config.values["jax_compilation_cache_dir"]
    assert not compilation_cache()
    jax.config.update("jax_enable_compilation_cache", True)  # type: ignore[no-untyped-call]
    jax.config.update("jax_compilation_cache_dir", "/nowhere")  # type: ignore[no-untyped-call]
    try:
        assert compilation_cache()
    finally:
        jax.config.update("jax_compilation_cache_dir", before)  # type: ignore[no-untyped-call]
