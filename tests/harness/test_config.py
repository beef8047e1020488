"""jaxrig.toml: what it may say, and where exactly it is wrong."""

import re
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import DEFAULT_FLOOR, FILE_NAME, Settings, line_of, load
from harness.errors import UsageError
from harness.target import BUILT_IN_TARGETS

MINE = """\
[targets.mine]
platform = "cpu"
dockerfile = "cpu.Dockerfile"
"""


def write(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text)
    return folder


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as refused:
        load(write(folder, text))
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_without_a_file_the_built_in_targets_serve(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.targets == BUILT_IN_TARGETS
    assert not settings.target("cpu").gpus
    assert settings.target("cuda").gpus
    assert settings.suites == {}


def test_an_unknown_target_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown target 'tpu'; known are: cpu, cuda, mine"):
        load(write(tmp_path, MINE)).target("tpu")


def test_own_targets_and_suites_come_beside_the_built_in_ones(tmp_path: Path) -> None:
    text = f"""\
{MINE}
memory = "1.5GiB"
tmp = "512 MiB"
shm = "2GiB"
cpus = "0-1,3"
env = {{ XLA_FLAGS = "--xla_a=1" }}

[suites.mine]
cases = ["matmul/*", "dense/1/forward/f32"]
launches = 7
"""
    settings = load(write(tmp_path, text))
    target = settings.target("mine")
    assert (target.memory, target.tmp, target.cpus) == (3 << 29, 512 << 20, "0-1,3")
    assert target.shm == 2 << 30
    assert target.env == {"XLA_FLAGS": "--xla_a=1"}
    assert settings.suites["mine"].cases == ("matmul/*", "dense/1/forward/f32")
    assert settings.suites["mine"].launches == 7
    assert settings.target("cpu") == BUILT_IN_TARGETS["cpu"]


def test_an_own_target_takes_the_place_of_a_built_in_one(tmp_path: Path) -> None:
    text = '[targets.cpu]\nplatform = "cpu"\ndockerfile = "cpu.Dockerfile"\npids = 77\n'
    settings = load(write(tmp_path, text))
    assert settings.target("cpu").pids == 77
    assert settings.target("cpu").env == {}
    assert settings.target("cuda") == BUILT_IN_TARGETS["cuda"]


def test_a_target_extends_another_and_says_where_it_cannot(tmp_path: Path) -> None:
    text = '[targets.small]\nextends = "cpu"\nmemory = "1GiB"\n'
    small = load(write(tmp_path, text)).target("small")
    assert small == BUILT_IN_TARGETS["cpu"].model_copy(update={"memory": 1 << 30})
    message = complaint(tmp_path, '[targets.small]\npids = 5\nextends = "cqu"\n')
    assert message == (
        f"{tmp_path / FILE_NAME}:3: targets.small.extends: "
        "unknown target 'cqu'; known are: cpu, cuda"
    )


def test_what_targets_inherit_wrongly_is_reported_once_where_it_stands(tmp_path: Path) -> None:
    parent = MINE.replace('dockerfile = "cpu.Dockerfile"', "pids = 0\ncolour = 1")
    child = '[targets.child]\nextends = "mine"\ntmp = "1MiB"\n'
    grandchild = '[targets.grandchild]\nextends = "child"\npids = "many"\n'
    told = complaint(tmp_path, parent + child + grandchild)
    assert re.findall(r":(\d+): ([\w.]+): ", told) == [
        ("1", "targets.mine.dockerfile"),
        ("3", "targets.mine.pids"),
        ("4", "targets.mine.colour"),
        ("7", "targets.child.tmp"),
        ("10", "targets.grandchild.pids"),
    ]


def test_what_only_the_child_gets_wrong_by_what_it_inherits_is_told_of_it(tmp_path: Path) -> None:
    plain = '[targets.plain]\nplatform = "cpu"\nisolation = "process"\n'
    child = '[targets.child]\nextends = "plain"\nisolation = "container"\n'
    message = complaint(tmp_path, plain + child)
    assert message == (
        f"{tmp_path / FILE_NAME}:4: targets.child.dockerfile: is required where there is no `image`"
    )


def test_an_image_is_instead_of_a_dockerfile_and_a_plain_process_needs_neither(
    tmp_path: Path,
) -> None:
    text = '[targets.given]\nextends = "cpu"\nimage = "mine/jax:1"\n'
    given = load(write(tmp_path, text)).target("given")
    assert (given.image, given.dockerfile, given.requirements) == ("mine/jax:1", None, None)
    assert given.env == BUILT_IN_TARGETS["cpu"].env
    plain = '[targets.plain]\nplatform = "cpu"\nisolation = "process"\n'
    assert load(write(tmp_path, plain)).target("plain").dockerfile is None


def test_flags_of_xla_come_behind_those_of_the_environment(tmp_path: Path) -> None:
    flags = 'xla_flags = "--xla_b=2"\n'
    alone = load(write(tmp_path, MINE + flags)).target("mine")
    assert alone.variables() == {"XLA_FLAGS": "--xla_b=2"}
    env = 'env = { XLA_FLAGS = "--xla_a=1", X = "y" }\n'
    both = load(write(tmp_path, MINE + flags + env)).target("mine")
    assert both.variables() == {"XLA_FLAGS": "--xla_a=1 --xla_b=2", "X": "y"}
    neither = load(write(tmp_path, MINE)).target("mine")
    assert neither.variables() == {}


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("true", True),
        ("false", False),
        ('"0"', ("0",)),
        ('"0,2"', ("0", "2")),
        ('"GPU-8d2a,MIG-GPU-1/2/0"', ("GPU-8d2a", "MIG-GPU-1/2/0")),
    ],
)
def test_gpus_are_all_or_none_or_chosen_one_by_one(
    tmp_path: Path, text: str, devices: bool | tuple[str, ...]
) -> None:
    target = load(write(tmp_path, f"{MINE}gpus = {text}\n")).target("mine")
    assert target.devices() == devices


def test_targets_are_named_by_globs_each_once_and_a_glob_without_any_is_refused(
    tmp_path: Path,
) -> None:
    settings = load(write(tmp_path, '[targets.cpu-b]\nextends = "cpu"\n'))
    assert settings.names(["cuda", "c*"]) == ("cuda", "cpu", "cpu-b")
    assert settings.names(["cpu-*"]) == ("cpu-b",)
    with pytest.raises(UsageError, match=r"unknown target 'tpu-\*'; known are: cpu, cuda, cpu-b"):
        settings.names(["cpu", "tpu-*"])


def test_files_beside_jaxrig_toml_are_found_and_other_names_stay(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/my.Dockerfile").touch()
    text = """\
[targets.mine]
platform = "cpu"
dockerfile = "stacks/my.Dockerfile"
requirements = "cpu.requirements.txt"
"""
    target = load(write(tmp_path, text)).target("mine")
    assert target.dockerfile == tmp_path / "stacks/my.Dockerfile"
    assert target.requirements == Path("cpu.requirements.txt")


def test_a_python_beside_jaxrig_toml_is_found_and_stays_in_its_environment(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/python").symlink_to(sys.executable)
    own = load(write(tmp_path, MINE + 'python = "venv/python"\n')).target("mine")
    assert own.python == tmp_path / "venv/python"  # where it leads to knows no environment
    other = load(write(tmp_path, MINE + 'python = "python3.13"\n')).target("mine")
    assert other.python == Path("python3.13")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[targets.mine]\nplatform = \n", 2),
        ("[targets.mine\nplatform = 'cpu'\n", 1),
        (MINE + "pids = 1\npids = 2\n", 5),
        (MINE + MINE, 4),
        (MINE + "cases = [\n  'x',\n", 5),
        ("\n[targets.mine]\nbase = 'x", 3),
    ],
)
def test_malformed_toml_is_reported_with_file_and_line(
    tmp_path: Path, text: str, line: int
) -> None:
    message = complaint(tmp_path, text)
    assert message.startswith(f"{tmp_path / FILE_NAME}:{line}: not valid TOML: ")


@pytest.mark.parametrize(
    ("text", "line", "rest"),
    [
        (MINE + 'colour = "red"\n', 4, "targets.mine.colour: unknown key; see docs/targets.md"),
        (MINE + "memory = true\nmemry = 1\n", 5, "targets.mine.memry: unknown key"),
        (MINE + 'memory = "8GB"\n', 4, 'targets.mine.memory: a size is a number with a unit, as'),
        (MINE + 'memory = "5MiB"\n', 4, "targets.mine.memory: a size is at least 6MiB, which"),
    (MINE + 'tmp = "2000000000GiB"\n', 4, "targets.mine.tmp: a size is at least 6MiB, which"),
        (MINE + "memory = -1\n", 4, "targets.mine.memory: a size is at least 6MiB, which an"),
        (MINE + 'pids = "many"\n', 4, "targets.mine.pids: Input should be a valid integer"),
        (MINE + 'shm = "1MiB"\n', 4, "targets.mine.shm: a size is at least 6MiB, which an engine"),
        (MINE + "gpus = 0\n", 4, "targets.mine.gpus: is true, false, or which, as in"),
        (MINE + 'gpus = "0, 1"\n', 4, "targets.mine.gpus: is true, false, or which, as in"),
        (MINE + 'gpus = "all"\n', 4, "targets.mine.gpus: is true, false, or which, as in"),
        (MINE + "xla_flags = 'xla_a'\n", 4, "targets.mine.xla_flags: must be flags, as in"),
        (MINE + "case_limit_s = nan\n", 4, "targets.mine.case_limit_s: Input should be a finite"),
        (MINE + "launch_limit_s = 0\n", 4, "targets.mine.launch_limit_s: Input should be greater"),
        (MINE + "launch_limit_s = 1e8\n", 4, "targets.mine.launch_limit_s: Input should be less"),
    (MINE + "pids = 5000000\n", 4, "targets.mine.pids: Input should be less than or equal to"),
    (MINE + 'cpus = "0-"\n', 4, "targets.mine.cpus: must be CPUs and ranges of"),
    (MINE + 'cpus = "0,3-1"\n', 4, "targets.mine.cpus: '3-1' runs backwards; write it as in"),
    (MINE + "[targets.mine.env]\n'A=B' = 'c'\n", 5, "targets.mine.env.A=B: must be letters, dig"),
    (MINE + '[targets.mine.env]\nA = "\\u0000"\n', 5, "targets.mine.env.A: must be a text wit"),
    ("[targets.a--b]\n" + MINE[15:], 1, "targets.a--b: must be lower-case"),
        (MINE.replace('"cpu"', '"gpu"'), 2, "targets.mine.platform: Input should be 'cpu', "),
        (MINE.replace('platform = "cpu"\n', ""), 1, "targets.mine.platform: Field required"),
        (MINE + 'jax = "latest"\n', 4, 'targets.mine.jax: must be a version, as in "0.9.2"'),
        (MINE + "jax = 0.9\n", 4, 'targets.mine.jax: must be a text in quotes, as in'),
        (MINE + "[targets.mine.env]\nA = 'a'\nB = 3\n", 6, "targets.mine.env.B: must be a text"),
        ("[suites.a]\ncases = ['x']\n\n[suites.b]\ncases = 'x'\n", 5, "suites.b.cases: Input sh"),
        ("[suites.a]\ncases = [\n  'x',\n  1,\n]\n", 2, "suites.a.cases.1: must be a text"),
        ("[suites.a]\ncases = ['x']\nlaunches = 0\n", 3, "suites.a.launches: Input should be"),
        ("[target.cpu]\nplatform = 'cpu'\n", 1, "target: unknown key"),
        ("# none\ntargets = 3\n", 2, "targets: must be a table; docs/targets.md shows one"),
        ("[targets]\nmine = 3\n", 2, "targets.mine: must be a table; docs/targets.md shows one"),
        (MINE + "env = 'A=B'\n", 4, "targets.mine.env: must be a table; docs/targets.md shows"),
        ("[[targets]]\nplatform = 'cpu'\n", 1, "targets: must be a table; docs/targets.md shows"),
        ("[suites]\nmine = ['x']\n", 2, "suites.mine: must be a table; docs/targets.md shows"),
        (MINE + "isolation = 'chroot'\n", 4, "targets.mine.isolation: Input should be 'contai"),
        (MINE + "image = 'x'\n", 3, "targets.mine.dockerfile: says how a stack is built, and `im"),
        (MINE + "image = 'x y'\n", 4, "targets.mine.image: must be a tag or a digest"),
        (MINE[:32] + "image = 'x'\nbase = 'y'\n", 4, "targets.mine.base: says how a stack is bui"),
        (MINE[:32] + "image = 'x'\njax = '0.9.2'\n", 4, "targets.mine.jax: says how a stack is"),
        (MINE[:32] + "pids = 5\n", 1, "targets.mine.dockerfile: is required where there is no `im"),
        (MINE + "python = 3\n", 4, "targets.mine.python: Input is not a valid path"),
        (MINE + "extends = 3\n", 4, "targets.mine.extends: must name a target, as in"),
        (MINE + "[targets.child]\nextends = 'mine'\npids = 0\n", 6, "targets.child.pids: Input"),
        (MINE + "pids = 0\n[targets.child]\nextends = 'mine'\n", 4, "targets.mine.pids: Input"),
        ("[floors]\n'matmul/*' = 2.0\n", 2, "floors.matmul/*: Input should be less than 1"),
        ("# a comment\n\n[targets.Big]\n" + MINE[15:], 3, "targets.Big: must be lower-case"),
        # Keys in every way in which TOML lets one write them.
        ('[targets."jax-0.9"]  # [new]\n' + MINE[15:] + "pids = 0\n", 4, "targets.jax-0.9.pids: "),
        ("[ targets . 'jax-0.9' ]\n" + MINE[15:] + '"pids" = 0\n', 4, "targets.jax-0.9.pids: "),
        (MINE + "[targets]\nb.platform = 'cpu'\nb.pids = 0\n", 6, "targets.b.pids: "),
        ("targets.b = { platform = 'cpu',  pids = 0 }\n", 1, "targets.b.pids: "),
        (MINE + 'env = { A = "x" }\n"env.B" = 3\n', 5, "targets.mine.env.B: unknown key"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_file_line_and_key(
    tmp_path: Path, text: str, line: int, rest: str
) -> None:
    complaints = complaint(tmp_path, text).splitlines()
    expected = f"{tmp_path / FILE_NAME}:{line}: {rest}"
    assert any(each.startswith(expected) for each in complaints), complaints


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    text = MINE + "pids = 0\n" + "[targets.other]\nplatform = 'cpu'\ndockerfile = 3\n"
    places = re.findall(r":(\d+): ([\w.]+): ", complaint(tmp_path, text))
    assert places == [("4", "targets.mine.pids"), ("7", "targets.other.dockerfile")]


def test_the_line_of_what_the_text_does_not_hold_is_not_guessed() -> None:
    assert line_of(MINE, ["suites", "a"]) is None


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


TABLES = st.sampled_from(["[targets.a]", "[suites.a]", "[targets]", '[targets."b.c"]', "[x]"])
KEYS = st.sampled_from(
    ["platform", "dockerfile", "cases", "memory", "a.b", '"pids"', "env", "extends"]
)
VALUES = st.sampled_from(["1", '"cpu"', "[1]", "{}", "nan", "1979-05-27", "", '"1GiB"', "true"])
LINES = TABLES | st.builds("{} = {}".format, KEYS, VALUES) | st.text(max_size=5)


@given(st.lists(LINES, max_size=8))
def test_whatever_the_file_says_nothing_but_a_usage_error_comes_of_it(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / FILE_NAME).write_text("\n".join(lines))
    with suppress(UsageError):
        assert set(load(folder).targets) >= set(BUILT_IN_TARGETS)


def test_the_last_floor_that_matches_holds(tmp_path: Path) -> None:
    (tmp_path / "jaxrig.toml").write_text(
        '[floors]\n"*" = 0.03\n"dispatch/*" = 0.1\n"dispatch/chain/*" = 0.05\n'
    )
    settings = load(tmp_path)
    assert settings.floor("matmul/256/f32") == 0.03
    assert settings.floor("dispatch/call/f32") == 0.1
    assert settings.floor("dispatch/chain/f32") == 0.05
    assert Settings().floor("matmul/256/f32") == DEFAULT_FLOOR


@pytest.mark.parametrize("floor", ["0", "1", "-0.1", "nan", '"2%"'])
def test_a_floor_that_is_no_share_is_refused(tmp_path: Path, floor: str) -> None:
    (tmp_path / "jaxrig.toml").write_text(f'[floors]\n"*" = {floor}\n')
    with pytest.raises(UsageError, match=r"jaxrig\.toml:2: floors"):
        load(tmp_path)


def test_what_ceilings_are_made_of_is_not_for_a_suite_to_say(tmp_path: Path) -> None:
    told = complaint(tmp_path, '[suites.ceilings]\ncases = ["matmul/*"]\n')
    assert f"{FILE_NAME}:1: suites.ceilings: " in told
    assert "choose another name" in told
