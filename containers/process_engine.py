"""Launches as plain processes, where there is no container engine.

Weaker than a container: no memory limit, the host's own file system and Python packages.
Results carry `isolation = process`, and are never taken for a container's.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from containers.accelerators import chosen
from containers.engine import Exit
from containers.errors import LaunchRefused
from containers.output import Output
from containers.spec import SCRATCH_VARIABLE, LaunchSpec, parse_cpuset

_CHUNK_BYTES = 64 << 10
_NOT_ITS_BUSINESS = ("JAXRIG_DB", "PGPASSWORD", "PGPASSFILE")
"""Where results are kept, and the key to it: what is measured writes none."""

_ON_DISK = "/var/tmp"  # kept over a reboot, so no tmpfs: Filesystem Hierarchy Standard, 5.15


class ProcessEngine:
    """`root`: the folder that holds the package to run, put first on the module path."""

    isolation = "process"

    def __init__(self, root: Path, python: str = sys.executable) -> None:
        self.root = root
        self._python = python

    def start(self, spec: LaunchSpec) -> "RunningProcess":
        """See `Engine.start`. `image` and limits but `cpus` mean nothing here; all GPUs are seen
        unless some are chosen."""
        env = {**_inherited(), "PYTHONUNBUFFERED": "1", **_chosen(spec), **spec.env}
        scratch = _scratch(env) if spec.scratch else None
        if scratch is not None:
            env[SCRATCH_VARIABLE] = str(scratch)
        try:
            process = subprocess.Popen(
                [self._python, *spec.command],
                stdin=subprocess.PIPE if spec.stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                cwd=self.root,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in a variable
            _remove(scratch)
            raise LaunchRefused(f"cannot start {self._python}: {error}") from error
        running = RunningProcess(process, scratch)
        if spec.limits.cpus is not None:
            running.pin(spec.limits.cpus)
        return running

    def sweep(self) -> int:
        """Nothing to find: a process leaves no trace that could be told from another's."""
        return 0


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _NOT_ITS_BUSINESS}


def _chosen(spec: LaunchSpec) -> dict[str, str]:
    """Makes it see these GPUs alone; CUDA's numbered as an engine and nvidia-smi number them:
    https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars"""
    if spec.platform == "rocm" or isinstance(spec.gpus, bool):
        return chosen(spec.platform, spec.gpus)
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(spec.gpus)}


class RunningProcess:
    """See `Running`. Two threads copy the pipes into an `Output`.

    `scratch`: a directory that is removed at the end.
    """

    def __init__(self, process: subprocess.Popen[bytes], scratch: Path | None = None) -> None:
        self._process = process
        self._scratch = scratch
        self._output = Output()
        self._killed = self._swept = False
        self._threads = (
            threading.Thread(target=self._copy_stdout, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._copy_stderr, args=(process.stderr,), daemon=True),
        )
        for thread in self._threads:
            thread.start()

    @property
    def name(self) -> str:
        return str(self._process.pid)

    def pin(self, cpus: str) -> None:
        """Restricts it to a cpuset list. Early enough: JAX starts its threads much later."""
        try:
            os.sched_setaffinity(self._process.pid, parse_cpuset(cpus))
        except (OSError, ValueError) as error:
            self.kill()
            raise LaunchRefused(
                f"cannot run on CPUs {cpus!r}: {error}. Change `cpus` of this target in jaxrig.toml"
            ) from error

    def read(self, timeout_s: float) -> bytes | None:
        return self._output.read(timeout_s)

    def write(self, data: bytes) -> None:
        pipe = self._process.stdin
        if pipe is None:
            raise ValueError("this launch was started without stdin")
        with contextlib.suppress(BrokenPipeError):
            pipe.write(data)
            pipe.flush()

    def log(self) -> str:
        return self._output.log()

    def wait(self, timeout_s: float) -> Exit:
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        self._threads[1].join(timeout=1.0)  # the log's end arrives just after stdout's
        # Without a memory limit of its own, a process dies of SIGKILL when the kernel runs short.
        return Exit(code=code, out_of_memory=code == -signal.SIGKILL and not self._killed)

    def kill(self) -> None:
        if self._swept:
            return
        self._output.abandon()
        self._killed = self._process.poll() is None
        # The whole group, even where its leader has ended: what it started may live on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        _remove(self._scratch)
        self._swept = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def _copy_stdout(self, pipe: IO[bytes]) -> None:
        for chunk in _chunks(pipe):
            self._output.feed(chunk, None)
        self._output.close()

    def _copy_stderr(self, pipe: IO[bytes]) -> None:
        for chunk in _chunks(pipe):
            self._output.feed(None, chunk)


def _scratch(env: Mapping[str, str]) -> Path:
    """A fresh directory: beneath the one that the variable names already, else on a disk."""
    parent = env.get(SCRATCH_VARIABLE) or env.get("TMPDIR") or _ON_DISK
    try:
        return Path(tempfile.mkdtemp(prefix="jaxrig-scratch-", dir=parent))
    except OSError as error:
        raise LaunchRefused(
            f"cannot write to a disk ({error}); {SCRATCH_VARIABLE} names another directory"
        ) from error


def _remove(scratch: Path | None) -> None:
    if scratch is not None:
        shutil.rmtree(scratch)


def _chunks(pipe: IO[bytes]) -> Iterator[bytes]:
    with pipe:
        while chunk := os.read(pipe.fileno(), _CHUNK_BYTES):
            yield chunk
