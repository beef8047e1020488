"""A reader that goes away (`| head`, a CI log that stops) must not change what is measured."""

from pathlib import Path

import pytest

from tests.command import Jaxrig

RUN = ("run", "--case", "matmul/256/f32", "--launches", "1", "--isolation", "process")


@pytest.fixture
def jaxrig(tmp_path: Path) -> Jaxrig:
    return Jaxrig(folder=tmp_path)


def test_a_run_whose_progress_nobody_reads_is_done(jaxrig: Jaxrig) -> None:
    with jaxrig.start(*RUN) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.close()
        assert "matmul/256/f32" in process.stdout.read()
        assert process.wait() == 0
    (run,) = jaxrig.json("runs")
    assert (run["status"], run["measurements"]) == ("done", 1)


@pytest.mark.parametrize(("limit", "code"), [("", 0), ("case_limit_s = 0.001\n", 4)])
def test_a_result_that_nobody_reads_keeps_its_exit_code(
    jaxrig: Jaxrig, limit: str, code: int
) -> None:
    jaxrig.configure(
        '[targets.mine]\nplatform = "cpu"\ndockerfile = "cpu.Dockerfile"\n' + limit,
    )
    with jaxrig.start(*RUN, "--target", "mine") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.read()
        assert process.wait() == code
