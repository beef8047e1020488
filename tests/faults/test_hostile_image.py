"""An image that does whatever it can: the harness goes on, says what happened, and keeps what was
right, in little memory; and nothing of it reaches a terminal."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.checkout import ROOT
from tests.command import Jaxrig
from tests.faults.hostile import ACTIONS, BOMBS, GOOD
from tests.harness.samples import catalogued, measurement

MOST_BYTES = 300 << 20
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
RUN ln -sf "$(command -v python3)" /usr/local/bin/python
COPY requirements.txt /hostile.py
RUN there="$(python -c 'import site; print(site.getsitepackages()[0])')" && mkdir -p "$there" \\
 && mv /hostile.py "$there" && echo 'import hostile' >"$there/hostile.pth"
"""
TARGET = """\
[targets.hostile]
platform = "cpu"
dockerfile = "hostile.Dockerfile"
requirements = "hostile.py"
memory = "512MiB"
tmp = "16MiB"
pids = 24
case_limit_s = 4
"""
RUN = ("run", "--target", "hostile", "--suite", "standard", "--launches", "1")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The run: how its command ended, what it said and took, and what is stored of it."""

    code: int
    err: str
    peak_bytes: int
    took_s: float
    run: dict[str, Any]
    folder: Path

    def failures(self, case: str | None) -> list[tuple[str, str]]:
        return [(x["kind"], x["message"]) for x in self.run["failures"] if x["case"] == case]


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient
) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile.Dockerfile").write_text(DOCKERFILE)
    (folder / "hostile.py").write_bytes(Path(__file__).with_name("hostile.py").read_bytes())
    jaxrig = Jaxrig(folder=folder)
    good = {name: json.dumps(measurement(case, **catalogued(case))) for case, name in GOOD.items()}
    env = "".join(f"env.{name} = '{text}'\n" for name, text in good.items())
    jaxrig.configure(TARGET + env)
    asked = [word for case in ACTIONS for word in ("--case", case)]
    since = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.memory", "harness.cli", *RUN, *asked],
        cwd=folder,
        env={**jaxrig._environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    took_s = time.monotonic() - since
    *lines, peak = done.stderr.decode().split("\n")[:-1]
    yield Measured(
        code=done.returncode,
        err="\n".join(lines),
        peak_bytes=int(peak),
        took_s=took_s,
        run=jaxrig.json("show", "latest"),
        folder=folder,
    )
    for part in ("", "-stack"):
        for image in engine.images.list(f"jaxrig/hostile{part}"):
            engine.images.remove(str(image.id), force=True)


def test_the_harness_goes_on_to_the_end_and_says_so(measured: Measured) -> None:
    assert measured.code == 4, measured.err
    assert measured.run["status"] == "failed"
    assert "Traceback" not in measured.err
    assert measured.took_s < 60  # two cases take their 4 s


def test_what_was_right_is_kept_before_and_after_all_of_it(measured: Measured) -> None:
    assert {each["case"] for each in measured.run["measurements"]} == set(GOOD)


def test_it_stays_small_whatever_is_thrown_at_it(measured: Measured) -> None:
    assert 50 << 20 < measured.peak_bytes < MOST_BYTES


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        ("matmul/512/f32", "bad_record", "case"),
        ("matmul/512/bf16", "bad_record", "a record of case 'matmul/2048/f32'"),
        ("matmul/1024/f32", "bad_record", "recursion limit"),
        ("matmul/1024/bf16", "raised", "/tmp 16 MiB: No space left on device"),
        ("dense/128/forward/f32", "out_of_memory", "more memory than its limit"),
        ("activation/relu/64MiB/f32", "timed_out", "longer than 4 s"),
        ("activation/silu/64MiB/f32", "bad_record", "what is no record"),
        ("dense/1/forward/f32", "raised", "Resource temporarily unavailable"),
        ("matmul/1x4096x4096/f32", "timed_out", "longer than 4 s"),
    ],
)
def test_each_attack_is_named_and_charged_to_its_case(
    measured: Measured, case: str, kind: str, words: str
) -> None:
    found = measured.failures(case)
    assert kind in [each[0] for each in found], measured.err
    assert words in found[0][1]


def test_nothing_but_two_bounded_tmpfs_takes_a_byte(measured: Measured) -> None:
    [(_, message)] = measured.failures("matmul/1024/bf16")
    *bounded, rest = message.split("; ", 2)
    assert bounded == [
        "/tmp 16 MiB: No space left on device",
        "/dev/shm 64 MiB: No space left on device",
    ]
    assert "/scratch 0 MiB: Read-only" in rest
    assert [each.split()[1] for each in rest.split("; ")] == ["0"] * 4


def test_every_bomb_is_refused(measured: Measured) -> None:
    found = [message for _, message in measured.failures("matmul/1024/f32")]
    assert len(found) == len(BOMBS)
    assert all("beside its samples" in each for each in found[2:])
    assert len(measured.failures("matmul/512/f32")) == 4
    assert len(measured.failures("matmul/512/bf16")) == 2


def test_nothing_is_left_of_it(measured: Measured, engine: docker.DockerClient) -> None:
    label = f"jaxrig.run={measured.run['run']}"
    assert engine.containers.list(all=True, filters={"label": label}) == []


@pytest.mark.parametrize("words", [(), ("--log",), ("--format", "csv"), ("--format", "md")])
def test_no_control_character_reaches_a_terminal(
    measured: Measured, words: tuple[str, ...]
) -> None:
    shown = Jaxrig(folder=measured.folder)("show", "latest", *words)
    assert shown.code == 0
    for text in (measured.err, shown.out, shown.err):
        assert all(each.isprintable() or each in "\n\t" for each in text), ascii(text)
    assert ("red" in shown.out) == ("csv" not in words)  # which holds no failures
