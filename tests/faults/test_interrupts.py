"""Ctrl-C, SIGTERM and kill -9: what was measured is kept, and nothing stays behind."""

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import docker
import pytest

from tests.command import Jaxrig

WANTED_STOP_S = 3.0


@pytest.fixture
def jaxrig(tmp_path: Path, engine: docker.DockerClient) -> Jaxrig:
    return Jaxrig(folder=tmp_path)


def start_and_wait_for_a_measurement(jaxrig: Jaxrig) -> subprocess.Popen[str]:
    running = jaxrig.start("run", "--suite", "quick")
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if running.poll() is not None:
            pytest.fail(f"the run ended early: {running.communicate()[1]}")
        if count(jaxrig.folder / "results.db") > 0:
            return running
        time.sleep(0.1)
    running.kill()
    pytest.fail("no measurement within 300 s")


def count(database: Path) -> int:
    if not database.exists():
        return 0
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM measurements").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # the schema is being made
    finally:
        connection.close()


def containers(engine: docker.DockerClient, run: str) -> list[str]:
    found = engine.containers.list(all=True, filters={"label": f"jaxrig.run={run}"})
    return [str(each.id) for each in found]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_container_soon_and_keeps_what_was_measured(
    jaxrig: Jaxrig, engine: docker.DockerClient, number: signal.Signals
) -> None:
    running = start_and_wait_for_a_measurement(jaxrig)
    since = time.monotonic()
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    stopped_s = time.monotonic() - since
    run = jaxrig.json("show", "latest")

    assert running.returncode == 130, err
    assert f"stopped by {number.name}; what was measured is kept" in err
    assert containers(engine, run["run"]) == []
    assert stopped_s < WANTED_STOP_S
    assert run["status"] == "interrupted"
    assert run["launches"][-1]["status"] == "interrupted"
    assert len(run["measurements"]) >= 1
    assert run["failures"] == []


def test_the_next_run_cleans_up_after_one_that_was_killed(
    jaxrig: Jaxrig, engine: docker.DockerClient
) -> None:
    running = start_and_wait_for_a_measurement(jaxrig)
    running.kill()
    running.communicate()
    [abandoned] = jaxrig.json("runs")
    assert abandoned["status"] == "interrupted"  # its process is gone
    assert len(containers(engine, abandoned["run"])) == 1

    done = jaxrig("run", "--case", "matmul/256/f32", "--launches", "1")

    assert done.code == 0, done.err
    assert "removed 1 container(s)" in done.err
    assert containers(engine, abandoned["run"]) == []
    after = jaxrig.json("show", abandoned["run"])
    assert after["status"] == "interrupted"
    assert len(after["measurements"]) >= abandoned["measurements"] >= 1
