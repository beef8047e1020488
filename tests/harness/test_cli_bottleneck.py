"""`jaxrig ceilings`, `bottleneck` and `predict`, as they are typed."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from harness.machine import this_machine
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


ONE_CORE = replace(IDEAL, flops_per_s=5e10)


def by_one_core(jaxrig: Jaxrig, url: str, **changes: Any) -> str | None:
    """The run of one core's ceilings that labels are by, where ONE_CORE was measured so."""
    with Store(url) as store:
        apart = {"target": "one", "image": (f"sha256:{'b' * 64}", "jaxrig/one:1")}
        environment = {"visible_cpus": [0], **changes.pop("environment", {})}
        add_ceilings(store, ONE_CORE, environment=environment, **{**apart, **changes})
    (found,) = {each["one_core"] for each in json.loads(jaxrig("bottleneck", "night=1", *JSON).out)}
    return None if found is None else str(found)


JSON = ("--format", "json")


def test_with_the_ceilings_of_one_core_waiting_is_told_apart(jaxrig: Jaxrig, database: str) -> None:
    def terms() -> dict[str, float]:
        found = json.loads(jaxrig("bottleneck", "night=1", "--case", "transformer/*", *JSON).out)
        return {name: found[0][f"{name}_s"] for name in ("compute", "dispatch")}

    before = terms()
    name = by_one_core(jaxrig, database, tags={"of": "one"})
    assert name is not None
    assert f"by the ceilings of one ({name})" in jaxrig("bottleneck", "night=1").out
    after = terms()
    assert after["compute"] < before["compute"]
    assert sum(after.values()) == pytest.approx(sum(before.values()))


@pytest.mark.parametrize(
    "other",
    [
        {"environment": {"visible_cpus": [0, 1]}},
        {"environment": {"jaxlib": "0.0.1"}},
        {"isolation": "process", "image": None},
    ],
    ids=["of two cores", "of other software", "of a process"],
)
def test_only_one_core_with_the_same_software_tells_it(
    jaxrig: Jaxrig, database: str, other: dict[str, Any]
) -> None:
    assert by_one_core(jaxrig, database, **other) is None


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


def test_rooflines_and_terms_are_drawn(jaxrig: Jaxrig, database: str, tmp_path: Path) -> None:
    path = tmp_path / "plot.png"
    assert jaxrig("bottleneck", "latest", "--plot", str(path)).code == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_in_an_svg_every_case_tells_its_numbers(
    jaxrig: Jaxrig, database: str, tmp_path: Path
) -> None:
    path = tmp_path / "plot.svg"
    assert jaxrig("bottleneck", "latest", "--plot", str(path)).code == 0
    svg = ElementTree.parse(path)  # noqa: S314 (our own)
    groups = svg.iter("{http://www.w3.org/2000/svg}g")
    told = [group.findtext("{http://www.w3.org/2000/svg}title") for group in groups]
    words = Counter(text for text in told if text is not None)
    of_matmul = [text for text in words if text.startswith("matmul/2048/f32: compute\n")]
    assert len(of_matmul) == 1
    assert "measured 172 ms, bounds " in of_matmul[0]
    assert "100 GFLOP/s" in of_matmul[0]
    # A point on the roofline, and each term of its bar.
    assert words[of_matmul[0]] > 2
    assert {text.partition(":")[0] for text in words} == set(CASES)


def test_the_same_labels_draw_the_same_file(jaxrig: Jaxrig, database: str, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.svg", "b.svg")]
    for path in paths:
        jaxrig("bottleneck", "latest", "--plot", str(path))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_where_no_file_can_be_written_it_says_so(
    jaxrig: Jaxrig, database: str, tmp_path: Path
) -> None:
    done = jaxrig("bottleneck", "latest", "--plot", str(tmp_path / "missing" / "a.svg"))
    assert (done.code, "cannot be written" in done.err) == (5, True)


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
    point = told["memory/read/1280MiB/f32"]
    assert point["value"] == pytest.approx(1e10, rel=0.01)
    assert point["worst"] < point["value"] < point["best"]
    assert point["unit"] == "B/s"
    for name in ("a call", "dispatch/handed/f32", "a load that waits for the one before"):
        assert told[name]["unit"] == "s"
        assert told[name]["best"] < told[name]["value"] < told[name]["worst"]
    for name in ("relu, f32", "transpositions, bf16", "memory/transpose/1MiB/f32"):
        assert told[name]["unit"] == "element/s"
    assert told["memory/chase/256MiB/int32"]["value"] == pytest.approx(1e7, rel=0.02)
    assert told["fresh memory, touched"]["limit"] == "capacity"


BY = ("--ceilings", "what=ceilings")


def test_predictions_are_by_the_newest_ceilings_of_this_machine(
    jaxrig: Jaxrig, database: str
) -> None:
    refused = jaxrig("predict", "nano")
    runs = json.loads(jaxrig("runs", "--format", "json").out)
    (other,) = (each["run"] for each in runs if each["suite"] == "ceilings")
    assert refused.code == 2
    assert f"for --ceilings: {other}" in refused.err
    with Store(database) as store:
        names = [add_ceilings(store, IDEAL, machine=this_machine()) for _ in range(2)]
        add_ceilings(store, IDEAL)
    done = jaxrig("predict", "nano", "--format", "json")
    assert json.loads(done.out)["ceilings"] == names[-1]


def test_without_any_ceilings_there_is_no_prediction(jaxrig: Jaxrig, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/results.db") as store:
        add_measured(store, CASES)
    done = jaxrig("predict", "nano")
    assert done.code == 2
    assert done.err.rstrip().endswith("`jaxrig ceilings` measures them")


def test_predictions_of_a_known_model(jaxrig: Jaxrig, database: str) -> None:
    words = ("--batch", "2", "--context", "512", "--format", "json")
    done = jaxrig("predict", "small", *words, *BY)
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
    done = jaxrig("predict", "shape.toml", "--batch", "3", *BY)
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
    done = jaxrig("predict", "nano", "--dtype", "f8", *BY)
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
        add_measured(store, {"matmul/2048/f32": (CASES["matmul/2048/f32"][0] / 3, {})})
    (record,) = json.loads(jaxrig("bottleneck", "latest", "--format", "json").out)
    assert (record["beaten"], record["label"]) == (True, "invalid")
    assert "times as fast as its ceiling" in jaxrig("bottleneck", "latest").out


def test_a_case_that_raises_its_ceiling_is_told(jaxrig: Jaxrig, database: str) -> None:
    with Store(database) as store:
        add_measured(store, {"matmul/2048/f32": (CASES["matmul/2048/f32"][0] / 1.5, {})})
    done = jaxrig("bottleneck", "latest")
    assert "which it raises: matmul/2048/f32 (1.50 times)" in done.out
    told = jaxrig("bottleneck", "latest", "--format", "json")
    (record,) = json.loads(told.out)
    assert (record["label"], record["beaten"]) == ("compute", False)
    assert record["raised"] == pytest.approx(1.5, rel=1e-3)
    assert "which it raises" in told.err


def test_ceilings_of_another_machine_are_not_raised(jaxrig: Jaxrig, database: str) -> None:
    """They are asked for to see what that machine would make of it."""
    with Store(database) as store:
        other = add_ceilings(store, IDEAL, machine=this_machine())
        add_measured(store, {"matmul/2048/f32": (CASES["matmul/2048/f32"][0] / 1.5, {})})
    told = jaxrig("bottleneck", "latest", "--ceilings", other, "--format", "json")
    (record,) = json.loads(told.out)
    assert (record["label"], record["raised"]) == ("invalid", None)


def test_what_is_not_labelled_is_said_beside_json(jaxrig: Jaxrig, database: str) -> None:
    with Store(database) as store:
        add_measured(store, {**CASES, "dispatch/chain/f32": (1e-3, {})})
    told = jaxrig("bottleneck", "latest", "--format", "json")
    assert [each["case"] for each in json.loads(told.out)] == list(CASES)
    assert "not labelled: dispatch/chain/f32: it is made of many calls" in told.err


OLDER = {
    each.case.id: (each.median_s, {"observations": {"slope_s": 1e-6}})
    for each in IDEAL.timed()
    if each.case.id != "dispatch/handed/f32"
}
"""What an earlier version's ceilings consisted of."""


def test_ceilings_of_an_earlier_version_are_passed_over(jaxrig: Jaxrig, database: str) -> None:
    with Store(database) as store:
        whole = add_ceilings(store, IDEAL, machine=this_machine())
        older = add_measured(store, OLDER, suite="ceilings", machine=this_machine())
        add_measured(store, CASES, machine=this_machine())
    (record, *_) = json.loads(jaxrig("bottleneck", "latest", "--format", "json").out)
    assert record["ceilings"] == whole
    assert json.loads(jaxrig("ceilings", "--format", "json").out)[0]["run"] == whole
    assert json.loads(jaxrig("predict", "nano", "--format", "json").out)["ceilings"] == whole
    refused = jaxrig("ceilings", "--run", older)
    assert refused.code == 2
    assert "`jaxrig ceilings --refresh --target cpu` measures them again" in refused.err
