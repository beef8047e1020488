"""`jaxrig ceilings`, `bottleneck` and `predict`, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.store.writer import Store
from tests.harness.called import Jaxrig
from tests.harness.roofline.ideal import Ideal
from tests.harness.roofline.stored import add_ceilings, add_measured

IDEAL = Ideal(private_bytes=2 * 32 * 1024)

CASES: dict[str, tuple[float, dict[str, Any]]] = {
    "matmul/2048/f32": (2 * 2048**3 / 1e11, {}),
    "memory/triad/128MiB/f32": (3 * 2**27 / 1e10, {}),
    "transformer/nano/train_step/f32": (0.02, {}),
}


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/results.db"
    with Store(url) as store:
        add_ceilings(store, IDEAL, tags={"what": "ceilings"})
        add_measured(store, CASES, suite="standard", tags={"night": "1"})
    return url


def test_bottleneck_prints_a_row_a_case(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("bottleneck", "latest")
    assert done.code == 0
    rows = {line.split()[0]: line for line in done.out.splitlines() if "/" in line}
    assert "compute" in rows["matmul/2048/f32"]
    assert "bandwidth" in rows["memory/triad/128MiB/f32"]
    assert "CCCC" in rows["matmul/2048/f32"]


def test_its_json_has_what_scripts_rely_on(jaxrig: Jaxrig, database: str) -> None:
    records = json.loads(jaxrig("bottleneck", "night=1", "--format", "json").out)
    assert [each["case"] for each in records] == list(CASES)
    for each in records:
        assert each["low_s"] <= each["high_s"]
        assert {"label", "fraction_of_ceiling", "measured_s", "mfu", "parts"} <= set(each)
        assert {"compute_s", "twice_compute"} <= set(each)


def test_cases_can_be_chosen(jaxrig: Jaxrig, database: str) -> None:
    records = json.loads(jaxrig("bottleneck", "latest", "--case", "mat*", "--format", "json").out)
    assert [each["case"] for each in records] == ["matmul/2048/f32"]
    refused = jaxrig("bottleneck", "latest", "--case", "nothing/*")
    assert (refused.code, "nothing/*" in refused.err) == (2, True)


def test_a_model_is_told_by_its_parts(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("bottleneck", "latest", "--parts", "--case", "transformer/*")
    for part in ("attention (backward)", "mlp", "optimiser (optimiser)", "unembedding"):
        assert f"· {part}" in done.out


@pytest.mark.parametrize("form", ["csv", "md"])
def test_other_formats(jaxrig: Jaxrig, database: str, form: str) -> None:
    done = jaxrig("bottleneck", "latest", "--format", form)
    assert (done.code, "matmul/2048/f32" in done.out) == (0, True)


def test_without_ceilings_it_says_how_to_get_them(jaxrig: Jaxrig, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/results.db") as store:
        add_measured(store, CASES)
    done = jaxrig("bottleneck", "latest")
    assert (done.code, "jaxrig ceilings" in done.err) == (2, True)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_roofline_is_drawn(jaxrig: Jaxrig, database: str, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"roofline.{suffix}"
    assert jaxrig("bottleneck", "latest", "--plot", str(path)).code == 0
    content = path.read_bytes()
    assert content.startswith(b"<?xml" if suffix == "svg" else b"\x89PNG")
    if suffix == "svg":
        for told in (b"matmul/2048/f32", b"memory/triad/128MiB/f32", b"bandwidth"):
            assert told in content


def test_a_plot_of_another_kind_is_refused(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("bottleneck", "latest", "--plot", "roofline.gif")
    assert (done.code, ".svg or .png" in done.err) == (2, True)


def test_ceilings_that_are_stored_are_shown(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("ceilings", "--run", "what=ceilings")
    assert done.code == 0
    assert "100 GFLOP/s" in done.out
    for told in ("reads, ", "updates, ", "a kernel", "to-device", "read random cold"):
        assert told in done.out


def test_every_point_of_them_is_in_the_json(jaxrig: Jaxrig, database: str) -> None:
    records = json.loads(jaxrig("ceilings", "--run", "what=ceilings", "--format", "json").out)
    told = {each["ceiling"]: each for each in records}
    point = told["memory/read/2GiB/f32"]
    assert point["value"] == pytest.approx(1e10, rel=0.01)
    assert point["low"] < point["value"] < point["high"]
    assert point["unit"] == "B/s"
    assert told["a call"]["unit"] == "s"


def test_predictions_of_a_known_model(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("predict", "small", "--batch", "2", "--context", "512", "--format", "json")
    found = json.loads(done.out)
    phases = {each["phase"]: each for each in found["phases"]}
    assert {"prefill", "decode", "train_step"} <= set(phases)
    assert phases["decode"]["low_s"] <= phases["decode"]["usual_s"] <= phases["decode"]["high_s"]
    assert phases["decode"]["largest_batch"] is None  # nobody told how much memory there is


SHAPE = """
vocab = 1000
layers = 2
d_model = 64
heads = 4
kv_heads = 2
ffn = 128
context = 256
dtype = "bf16"
"""


def test_predictions_of_a_shape_of_one_s_own(jaxrig: Jaxrig, database: str, tmp_path: Path) -> None:
    (tmp_path / "shape.toml").write_text(SHAPE)
    done = jaxrig("predict", "shape.toml", "--batch", "3")
    assert done.code == 0
    assert "batch 3, context 256, bf16" in done.out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SHAPE.replace("vocab = 1000", ""), "vocab is missing"),
        (SHAPE + "wings = 2", "unknown key 'wings'"),
        (SHAPE.replace("64", "-1"), "d_model = -1"),
        (SHAPE.replace("64", "true"), "d_model = True"),
        (SHAPE.replace("heads = 4", "heads = 5"), "heads must divide d_model"),
        ("vocab = ", "shape.toml"),
    ],
)
def test_shapes_that_are_none(
    jaxrig: Jaxrig, database: str, tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "shape.toml").write_text(text)
    done = jaxrig("predict", "shape.toml")
    assert (done.code, why in done.err) == (2, True)


def test_unknown_models_are_named(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("predict", "gigantic")
    assert (done.code, "nano, mini, small, 1b, 7b" in done.err) == (2, True)


@pytest.mark.parametrize("text", ['dtype = "float32"', "dtype = 3"])
def test_dtypes_that_are_none(jaxrig: Jaxrig, database: str, tmp_path: Path, text: str) -> None:
    (tmp_path / "shape.toml").write_text(SHAPE.replace('dtype = "bf16"', text))
    done = jaxrig("predict", "shape.toml")
    assert (done.code, "known are: f32, bf16" in done.err) == (2, True)


def test_a_dtype_that_was_not_measured(jaxrig: Jaxrig, database: str) -> None:
    done = jaxrig("predict", "nano", "--dtype", "f8")
    assert (done.code, "f8" in done.err) == (2, True)


def test_two_runs_tell_who_made_cases_slower(jaxrig: Jaxrig, database: str) -> None:
    with Store(database) as store:
        slower: dict[str, tuple[float, dict[str, Any]]]
        slower = {case: (1.4 * seconds, {}) for case, (seconds, _) in CASES.items()}
        add_measured(store, slower, suite="standard")
    done = jaxrig("bottleneck", "latest~1", "--compare", "latest", "--format", "json")
    found = json.loads(done.out)
    assert [each["cause"] for each in found["cases"]] == ["itself"] * len(CASES)
    assert "itself" in jaxrig("bottleneck", "latest~1", "--compare", "latest").out


@pytest.mark.parametrize("words", [("--parts",), ("--plot", "a.svg"), ("--ceilings", "latest")])
def test_two_runs_have_neither_parts_nor_a_plot(
    jaxrig: Jaxrig, database: str, words: tuple[str, ...]
) -> None:
    done = jaxrig("bottleneck", "latest", "--compare", "latest", *words)
    assert (done.code, "--compare goes with none" in done.err) == (2, True)


def test_ceilings_that_were_interrupted_are_passed_over(jaxrig: Jaxrig, database: str) -> None:
    """The nearest may have ended before it told anything."""
    with Store(database) as store:
        broken = add_measured(store, {"matmul/256/f32": (1e-3, {})}, suite="ceilings")
    done = jaxrig("bottleneck", "latest", "--format", "json")
    assert done.code == 0, done.err
    assert {each["ceilings"] for each in json.loads(done.out)} != {broken}


def test_a_case_that_beats_its_ceiling_is_marked(jaxrig: Jaxrig, database: str) -> None:
    with Store(database) as store:
        add_measured(store, {"matmul/2048/f32": (CASES["matmul/2048/f32"][0] / 2, {})})
    (record,) = json.loads(jaxrig("bottleneck", "latest", "--format", "json").out)
    assert (record["beaten"], record["label"]) == (True, "invalid")
    assert "times as fast as its ceiling" in jaxrig("bottleneck", "latest").out
