"""Whatever the bytes are: runs, or a `UsageError` that names the file. Never a traceback."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from harness.errors import UsageError
from harness.exchange import reading
from harness.exchange.foreign import FORMATS, ForeignRun
from harness.exchange.formats import read, read_each
from harness.fields import CaseId
from tests.harness.exchange.conftest import FILES

_REAL = sorted(path for path in FILES.rglob("*.json") if path.name != "machine.json")
_RESULTS = [path for path in _REAL if path.name != "benchmarks.json"]
_FEW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_KEYS = """benchmarks machine_info context results result_columns version name stats data runs
values metadata params run_type real_time datetime fullname median"""
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_KEYS.split()) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=25,
)
_CASE: TypeAdapter[str] = TypeAdapter(CaseId)


def _check(run: ForeignRun) -> None:
    """What the neutral form promises."""
    assert run.format in FORMATS
    assert len(run.digest) == 64
    for launch in run.launches:
        assert len({each.case for each in launch.measurements}) == len(launch.measurements)
        for each in launch.measurements:
            _CASE.validate_python(each.case)
            assert 0 < each.median_s <= 1e9
            assert each.calls_per_round is None or each.calls_per_round >= 1
            assert each.samples_s is None or (each.samples_s and min(each.samples_s) > 0)
            json.dumps([each.parameters, each.options, each.extra_info], allow_nan=False)
        json.dumps(launch.environment, allow_nan=False)
    json.dumps([run.machine.facts, run.failures, run.unmapped], allow_nan=False)


def _runs_or_refusal(path: Path) -> None:
    runs = list[ForeignRun]()
    try:
        runs = read(path)
    except UsageError as error:
        refusal = str(error)
    else:
        refusal = path.name
    assert path.name in refusal
    assert len(refusal) < 1000
    for run in runs:
        _check(run)


@pytest.mark.parametrize("path", _RESULTS, ids=lambda path: path.name)
def test_the_real_files_are_read(path: Path) -> None:
    [run] = read(path)
    _check(run)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not JSON, or cut short"),
        (b"hello", "not JSON, or cut short"),
        (b'{"benchmarks": [', "not JSON, or cut short"),
        (b"\xff\xfe", "not JSON, or cut short"),
        (b'{"a":' * 100_000, "recursion limit exceeded"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "number out of range"),
        (b"[]", "it holds no JSON object"),
        (b"{}", "its keys are none"),
        (b'{"other": 1}', "no results of pytest-benchmark, asv, pyperf or Google Benchmark"),
        (b'{"benchmarks": 1, "version": "1.0"}', r"benchmarks: Input should be a valid list"),
        (b"\x1f\x8b", "not a whole gzip file"),
        (b"\x1f\x8b\x08\x00garbage", "not a whole gzip file"),
        (gzip.compress(b'{"a": 1}' * 99)[:-12], "not a whole gzip file"),
    ],
    ids=range(13),
)
def test_what_is_no_result_file_is_refused(tmp_path: Path, text: bytes, why: str) -> None:
    path = tmp_path / "some.json"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=rf"cannot import .*some\.json: .*{why}"):
        read(path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read(tmp_path / "none.json")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a regular file"):
        read(tmp_path / "pipe")


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no \.json or \.json\.gz file in that folder"):
        read(tmp_path)


def test_too_large_a_file_is_refused_packed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_FILE_BYTES", 1 << 20)
    for pack in (bytes, gzip.compress):
        path = tmp_path / "large.json"
        path.write_bytes(pack(b" " * ((1 << 20) + 1)))
        with pytest.raises(UsageError, match="more than 1 MiB"):
            read(path)


def test_a_packed_file_is_the_same_run_under_any_name(tmp_path: Path) -> None:
    plain = FILES / "pyperf.json"
    packed = tmp_path / "whatever"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(packed) == read(plain)


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes((FILES / "pyperf.json").read_bytes())
    (tmp_path / "a_folder.json").mkdir()
    (tmp_path / "b.json").write_text("broken")
    runs = read_each(tmp_path)
    assert next(runs).format == "pyperf"
    with pytest.raises(UsageError, match=r"b\.json"):
        next(runs)


def test_every_format_is_recognised_in_one_folder(suite: Path) -> None:
    found = {run.format for folder in (FILES, suite) for run in read(folder)}
    assert found == set(FORMATS)


def test_what_asv_writes_beside_its_results_is_told_by_its_content(tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(FILES / "asv" / "results", results)
    (results / "pytest").mkdir()
    shutil.copy(FILES / "pyperf.json", results / "pytest" / "benchmarks.json")
    shutil.copy(FILES / "google-once.json", results / "pytest" / "machine.json")
    assert {run.format for run in read(results)} == {"asv", "pyperf", "google-benchmark"}
    (results / "pytest" / "machine.json").write_text("{")
    with pytest.raises(UsageError, match=r"machine\.json: not JSON"):
        read(results)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_another_encoding_is_the_same_run(tmp_path: Path, encoding: str) -> None:
    text = (FILES / "pyperf.json").read_text()
    path = tmp_path / "x.json"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes(f"{mark}{text}".encode(encoding))
    assert read(path) == read(FILES / "pyperf.json")


@pytest.mark.parametrize(
    ("limit", "why"), [("MOST_VALUES", "values"), ("MOST_PARTS", "objects and lists")]
)
def test_more_than_fits_into_memory_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, why: str
) -> None:
    path = tmp_path / "large.json"
    path.write_text('{"benchmarks": [' + "[]," * 1000 + "[]]}")
    monkeypatch.setattr(reading, limit, 999)
    with pytest.raises(UsageError, match=f"it holds more than 999 {why}"):
        read(path)


def test_of_odd_samples_the_first_is_told_alone() -> None:
    adapter = TypeAdapter(reading.Samples)
    with pytest.raises(ValidationError) as refused:
        adapter.validate_python(["a"] * 1000)
    assert refused.value.error_count() == 1


@_FEW
@given(content=_JSON | st.dictionaries(st.sampled_from(["benchmarks", "version"]), _JSON))
def test_random_json_is_refused_in_words(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "random.json"
    path.write_bytes(to_json(content, inf_nan_mode="constants"))
    _runs_or_refusal(path)


@_FEW
@given(data=st.data())
def test_real_files_with_a_part_replaced_are_runs_or_refused(
    tmp_path: Path, suite: Path, data: st.DataObject
) -> None:
    real = data.draw(st.sampled_from([*_RESULTS, suite / "out.json"]), label="file")
    content = from_json(real.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        _replace(content, data.draw, _JSON | st.just(10**400) | st.just("x" * 5000))
    path = tmp_path / "mutated.json"
    path.write_text(json.dumps(content))
    _runs_or_refusal(path)


@_FEW
@given(data=st.data())
def test_real_files_with_bytes_changed_are_runs_or_refused(
    tmp_path: Path, data: st.DataObject
) -> None:
    text = bytearray(data.draw(st.sampled_from(_RESULTS), label="file").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "mutated.json"
    path.write_bytes(text[: data.draw(st.sampled_from([None, len(text) // 2]))])
    _runs_or_refusal(path)


def _replace(content: Any, draw: Callable[[Any], Any], values: st.SearchStrategy[Any]) -> None:
    """Walks down at random, and puts something else there."""
    while True:
        keys = sorted(content) if isinstance(content, dict) else range(len(content))
        key = draw(st.sampled_from(keys))
        inner = content[key]
        if not (isinstance(inner, dict | list) and inner) or draw(st.integers(0, 4)) == 0:
            content[key] = draw(values)
            return
        content = inner
