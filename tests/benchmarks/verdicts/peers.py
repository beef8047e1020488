"""One comparison by each peer, as its users run it, in a container that holds all of them.

Their time is set to about that of a series of ours.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from docker.models.containers import Container

from tests.benchmarks.verdicts import CASES, SHARE_VARIABLE
from tests.benchmarks.verdicts.plan import Who

Said = dict[str, str]
"""Of each case `slower`, `faster` or nothing."""

SUITES = "/opt/jaxrig/tests/benchmarks/verdicts/guest"

ASV_FACTOR = 1.05
"""From which ratio on asv reports a change. Its default is 1.1, at which it cannot see 5 %."""
ASV_DEFAULT = 1.1

ROUNDS = 6
"""Of asv; its default is 2."""

MAX_TIME_S = 18
"""Of each case in a run of pytest-benchmark; its default is 1."""

PROCESSES = 7
"""Of each case in a run of pyperf, which each measure it three times; its default is 20."""


class Session:
    """A container to run commands in. `took_s`: those that were timed, together."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self.took_s = 0.0

    def __call__(self, *words: str, share: float = 0.0, timed: bool = True) -> tuple[int, str]:
        """(exit status, what it printed: errors at the end)."""
        start = time.perf_counter()
        done = self._container.exec_run(
            list(words), environment={SHARE_VARIABLE: f"{share:g}"}, workdir="/peers", demux=True
        )
        if timed:
            self.took_s += time.perf_counter() - start
        assert done.exit_code is not None
        streams: Any = done.output
        return done.exit_code, "\n".join(each.decode() for each in streams if each)


@contextmanager
def session(client: docker.DockerClient, image: str) -> Iterator[Session]:
    """A container that lives within."""
    container = client.containers.run(
        image, ["sleep", "infinity"], network_mode="none", detach=True, init=True
    )
    try:
        yield Session(container)
    finally:
        container.remove(force=True)


def compare(client: docker.DockerClient, image: str, who: Who, share: float) -> dict[str, Any]:
    """Seconds it took, and what was said of every case."""
    with session(client, image) as run:
        said, more = _PEERS[who](run, share)
    assert sorted(said) == sorted(CASES), said
    return {"took_s": run.took_s, "said": said, **more}


def pytest_benchmark(run: Session, share: float) -> tuple[Said, dict[str, Any]]:
    command = (
        *("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{SUITES}/pytest_suite.py"),
        *("--benchmark-storage=/tmp/kept", f"--benchmark-max-time={MAX_TIME_S}"),
    )
    first, out = run(*command, "--benchmark-autosave")
    assert first == 0, out
    last, out = run(
        *(*command, "--benchmark-compare", "--benchmark-compare-fail=mean:5%"), share=share
    )
    assert all(f"test_case[{case}] (NOW)" in out for case in CASES), out
    said = pytest_benchmark_said(out)
    assert (last != 0) == ("slower" in said.values()), out
    return said, {}


def pytest_benchmark_said(out: str) -> Said:
    """From what is printed where the check fails."""
    slower = set(re.findall(r"test_case\[(\S+)\] \(\S+\) - Field 'mean' has failed", out))
    return {case: "slower" if case in slower else "" for case in CASES}


def pyperf(run: Session, share: float) -> tuple[Said, dict[str, Any]]:
    for name, loaded in (("base", 0.0), ("candidate", share)):
        status, out = run(
            *("python", f"{SUITES}/pyperf_suite.py", "--copy-env", f"--processes={PROCESSES}"),
            *("-o", f"/tmp/{name}.json"),
            share=loaded,
        )
        assert status == 0, out
    status, out = run(
        "python", "-m", "pyperf", "compare_to", "/tmp/base.json", "/tmp/candidate.json"
    )
    assert status == 0, out
    return pyperf_said(out), {}


def pyperf_said(out: str) -> Said:
    """From `compare_to`: what is not significant is named at the end, or said where it stands
    alone."""
    changed = re.findall(r"^(\S+): Mean .*: [\d.]+x (slower|faster)", out, re.MULTILINE)
    same = re.findall(r"^(\S+): Mean .*: no change", out, re.MULTILINE)
    hidden = re.search(
        r"^Benchmark hidden because not significant \(\d+\): (.*)$", out, re.MULTILINE
    )
    unsaid = [*same, *(hidden[1].split(", ") if hidden else [])]
    return dict(changed) | dict.fromkeys(unsaid, "")


def asv(run: Session, share: float) -> tuple[Said, dict[str, Any]]:
    new = "slower" if share else "unchanged"
    words = ("base", new, "--no-only-changed")
    status, out = run("asv", "machine", "--yes", timed=False)
    assert status == 0, out
    status, out = run(
        *("asv", "continuous", "--interleave-rounds", *words, f"--factor={ASV_FACTOR}"),
        *("-a", f"rounds={ROUNDS}"),
    )
    said = asv_said(out)
    assert (status != 0) == ("slower" in said.values()), out
    _, by_default = run(*("asv", "compare", "base", new, f"--factor={ASV_DEFAULT}"), timed=False)
    return said, {"said_by_default": asv_said(by_default)}


def asv_said(out: str) -> Said:
    """From the rows of its table."""
    marks = {"+": "slower", "-": "faster"}
    rows = re.findall(r"^\|\s*(\S?)\s*\|.*\|\s*asv_suite\.\S+\('(\S+)'\)", out, re.MULTILINE)
    return {case: marks.get(mark, "") for mark, case in rows}


_PEERS: Mapping[Who, Callable[[Session, float], tuple[Said, dict[str, Any]]]] = {
    "asv": asv,
    "pyperf": pyperf,
    "pytest-benchmark": pytest_benchmark,
}
