"""Launches as hardened Docker containers, through the Docker SDK."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from docker.types import CancellableStream, DeviceRequest, LogConfig, Mount, Ulimit
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from containers import owner
from containers.accelerators import DEV, Accelerator, accelerator, chosen
from containers.assets import assets
from containers.bounds import WAY_OUT, check_bounds
from containers.engine import Exit
from containers.errors import EngineError, EngineUnavailable, LaunchRefused
from containers.output import Output
from containers.podman import CLOSED, is_podman
from containers.spec import SCRATCH_VARIABLE, LaunchSpec

OWNER_LABEL = "jaxrig.owner"
DEADLINE_LABEL = "jaxrig.deadline"
_NOBODY = "65534:65534"
_SCRATCH = "/scratch"
_GRACE_S = 300.0
_FILES, _FILES_AT_MOST = 1024, 4096
"""Open files of a process: what Linux gives the first one, so that no engine has less."""
_USERS = 4
"""Launches at a time whose processes the kernel counts together, as they are one user's; `pids`
binds each of them."""
_KILLED = 128 + signal.SIGKILL
_ENDING = (409, 500)
_REMOVALS, _BEFORE_ANOTHER_S = 20, 0.1
_NO_CGROUPS = ("no permission is granted for cgroups", "controller `")
"""Words of runc and of crun, started by a user to whom too little is delegated."""
_ENGINE_LOST = (RequestException, HTTPError, OSError)


def connect() -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST (or the default socket) names.

    Raises `EngineUnavailable` saying how to get one.
    """
    host = os.environ.get("DOCKER_HOST", "")
    if host.startswith("ssh://"):  # the SDK would need another package, only to be refused later
        raise EngineUnavailable(
            f"DOCKER_HOST ({host}) names the engine of another machine, whose results would be "
            "recorded under this machine's name: run jaxrig on that machine"
        )
    try:
        client = docker.from_env(timeout=30)
        client.ping()
    except (DockerException, ValueError, *_ENGINE_LOST) as error:  # ValueError: no such port
        raise EngineUnavailable(
            f"no Docker engine answers at {host or 'the default socket'} "
            f"({_cause(error)}); run {assets() / 'engine.sh'} start, set DOCKER_HOST, or measure "
            "without one: --isolation process"
        ) from error
    return client


class DockerEngine:
    """Every launch is a container without network, capabilities or a writable root."""

    isolation = "container"

    def __init__(self, client: docker.DockerClient, dev: Path = DEV) -> None:
        """`dev`: where device files are found; in a container they are in /dev."""
        self._client = client
        self._dev = dev
        self._owner = owner.this_process()

    @cached_property
    def _podman(self) -> bool:
        return is_podman(self._client)

    @cached_property
    def _info(self) -> dict[str, Any]:
        info: dict[str, Any] = self._client.info()
        return info

    def start(self, spec: LaunchSpec) -> "RunningContainer":
        """See `Engine.start`."""
        with engine_errors("start a launch"):
            check_bounds(spec.limits, self._info)
            container = self._client.containers.create(**self._options(spec))
            running = RunningContainer(self._client, container, tells_why=not self._podman)
            try:
                _check_gpus(spec, container)
                running.attach()
                if spec.stdin:
                    running.attach_stdin()
                container.start()
            except BaseException:
                running.kill()
                raise
        return running

    def sweep(self) -> int:
        """Removes containers whose owner is gone or whose deadline has passed."""
        with engine_errors("look for leftovers"):
            # Another jaxrig's containers may go while they are listed.
            found = self._client.containers.list(
                all=True, filters={"label": OWNER_LABEL}, ignore_removed=True
            )
            leftovers = [container for container in found if _is_leftover(container.labels)]
            for container in leftovers:
                _remove(container)
        return len(leftovers)

    def _options(self, spec: LaunchSpec) -> dict[str, Any]:
        limits, given = spec.limits, accelerator(spec.platform, self._dev)
        bounded = f"rw,nosuid,nodev,size={limits.tmp_bytes},mode=1777"
        return {
            "image": spec.image,
            "command": ["python", *spec.command],
            "environment": {
                "HOME": "/tmp",
                **chosen(spec.platform, spec.gpus),
                **({SCRATCH_VARIABLE: _SCRATCH} if spec.scratch else {}),
                **spec.env,
            },
            "labels": {
                **spec.labels,
                OWNER_LABEL: self._owner,
                DEADLINE_LABEL: str(int(time.time() + spec.deadline_s + _GRACE_S)),
            },
            # Closed when the attached end is: a launch whose harness is gone then ends by itself.
            "stdin_open": spec.stdin,
            "user": _NOBODY,
            "network_mode": "none",
            "read_only": True,
            "tmpfs": {
                **dict.fromkeys(self._declared(spec), bounded),
                **(CLOSED if self._podman else {}),
                "/tmp": bounded,
            },
            # Without a name it is removed with the container, by whoever removes that. It takes
            # its owner from the image's directory (workloads.Dockerfile).
            "mounts": [Mount(target=_SCRATCH, source=None, type="volume")] if spec.scratch else [],
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": limits.pids,
            "ulimits": _ulimits(limits.pids, given),
            "mem_limit": limits.memory_bytes,
            # Equal to the memory limit: no swap, so that a shortage is an error, not a slowdown.
            "memswap_limit": limits.memory_bytes,
            "cpuset_cpus": limits.cpus,
            "shm_size": limits.shm_bytes,
            "device_requests": _devices(spec),
            "devices": [f"{path}:{DEV / path.relative_to(self._dev)}:rw" for path in given.files],
            "group_add": list(given.groups),
            # The streams are read as they come; a copy on disk would be unbounded.
            "log_config": LogConfig(type=LogConfig.types.NONE),
        }

    def _declared(self, spec: LaunchSpec) -> list[str]:
        """What the image calls volumes: left to the engine, each is as large as its disk."""
        config = self._client.images.get(str(spec.image)).attrs["Config"] or {}
        return [path for path in config.get("Volumes") or () if path != _SCRATCH]


def _check_gpus(spec: LaunchSpec, container: Container) -> None:
    """Podman before 5 ignores what it is asked for of GPUs. Raises `LaunchRefused`."""
    if _devices(spec) and not container.attrs["HostConfig"].get("DeviceRequests"):
        raise LaunchRefused(
            "the engine hands out no GPUs through its Docker API: use Docker, or Podman 5 or "
            "newer, with the NVIDIA Container Toolkit; or measure on the host itself: "
            "--isolation process"
        )


def _ulimits(pids: int, given: Accelerator) -> list[Ulimit]:
    """Engines differ in what they give, and Podman, asked for nothing, asks the kernel for more
    than it may have where root is confined: a million files and processes."""
    processes = pids * _USERS
    return [
        Ulimit(name="nofile", soft=_FILES, hard=_FILES_AT_MOST),
        Ulimit(name="nproc", soft=processes, hard=processes),
        # What is locked counts towards the memory limit as well.
        *([Ulimit(name="memlock", soft=-1, hard=-1)] if given.locks_memory else ()),
    ]


class RunningContainer:
    """See `Running`. A thread copies the attached streams into an `Output`. `tells_why`: the engine
    knows whether it was memory that a container was killed for."""

    def __init__(
        self, client: docker.DockerClient, container: Container, *, tells_why: bool
    ) -> None:
        self._tells_why = tells_why
        self._client = client
        self._container = container
        self._output = Output()
        self._stdin: Any = None
        self._exit: Exit | None = None
        self._removed = False

    @property
    def name(self) -> str:
        return str(self._container.short_id)

    def attach(self) -> None:
        """Connects to the streams; before the start, so that nothing printed is missed."""
        stream = self._client.api.attach(
            str(self._container.id), stdout=True, stderr=True, stream=True, demux=True
        )
        threading.Thread(target=self._copy, args=(stream,), daemon=True).start()

    def attach_stdin(self) -> None:
        """Connects to stdin; before the start, too."""
        self._stdin = self._client.api.attach_socket(
            str(self._container.id), params={"stdin": 1, "stream": 1}
        )

    def read(self, timeout_s: float) -> bytes | None:
        return self._output.read(timeout_s)

    def write(self, data: bytes) -> None:
        if self._stdin is None:
            raise ValueError("this launch was started without stdin")
        with suppress(BrokenPipeError, ConnectionResetError):
            self._stdin._sock.sendall(data)

    def log(self) -> str:
        return self._output.log()

    def wait(self, timeout_s: float) -> Exit:
        if self._exit is None:
            ended_here = False
            with engine_errors("say how a launch ended"):
                deadline = time.monotonic() + timeout_s
                while (state := self._state())["Running"] and time.monotonic() < deadline:
                    time.sleep(0.02)
                if ended_here := bool(state["Running"]):
                    # The engine says that a container ended once its output is taken: one that
                    # prints faster than it is read would keep it from answering.
                    self._output.abandon()
                    with _ended_by_itself():
                        self._container.kill()
                    self._container.wait(timeout=10)
                    state = self._state()
            code = int(state["ExitCode"])
            # Podman 4 does not see what the kernel does in a cgroup of version 1. As of a process,
            # what nobody here killed was killed by the kernel, for want of memory.
            killed = code == _KILLED and not self._tells_why and not ended_here
            self._exit = Exit(code=code, out_of_memory=bool(state["OOMKilled"]) or killed)
        return self._exit

    def kill(self) -> None:
        if self._removed:
            return
        self._output.abandon()
        if self._stdin is not None:
            connection = self._stdin._sock
            self._stdin._response.close()
            connection.close()
        with engine_errors("remove a container"):
            _remove(self._container)
        self._removed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.kill()
        except EngineError:
            # The next run's sweep removes what stays; what ended this launch is to be told.
            if error is None:
                raise

    def _state(self) -> dict[str, Any]:
        self._container.reload()
        state: dict[str, Any] = self._container.attrs["State"]
        return state

    def _copy(self, stream: "CancellableStream[tuple[bytes | None, bytes | None]]") -> None:
        try:
            for stdout, stderr in stream:
                self._output.feed(stdout, stderr)
        except Exception as error:  # handed to the reading thread
            self._output.close(error)
        else:
            self._output.close()
        finally:
            _close(stream)


def _devices(spec: LaunchSpec) -> list[DeviceRequest] | None:
    """What `docker run --gpus` asks for: https://docs.docker.com/engine/containers/gpu/. AMD's are
    no such devices."""
    if not spec.gpus or spec.platform == "rocm":
        return None
    if isinstance(spec.gpus, bool):
        return [DeviceRequest(count=-1, capabilities=[["gpu"]])]
    return [DeviceRequest(device_ids=list(spec.gpus), capabilities=[["gpu"]])]


def _close(stream: "CancellableStream[Any]") -> None:
    with suppress(OSError):  # the other end is gone already
        stream.close()
    # The stream's own close leaves the response holding the socket, one more with every launch.
    stream._response.close()  # type: ignore[attr-defined]


def _remove(container: Container) -> None:
    """It may be ending, or another may remove it, at the same moment. Podman then refuses (409, or
    500), and keeps it until it is asked again."""
    for attempt in range(1, _REMOVALS + 1):
        try:
            container.remove(force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code not in _ENDING or attempt == _REMOVALS:
                raise
            time.sleep(_BEFORE_ANOTHER_S)
        else:
            return


@contextmanager
def _ended_by_itself() -> Iterator[None]:
    """What is to be ended may end, or be removed by another, at the same moment: 404, 409."""
    try:
        yield
    except APIError as error:
        if error.status_code not in (404, 409):
            raise


def _is_leftover(labels: dict[str, str]) -> bool:
    deadline = labels.get(DEADLINE_LABEL, "")
    overdue = deadline.isdigit() and time.time() > int(deadline)
    return overdue or owner.is_gone(labels[OWNER_LABEL])


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turns the SDK's errors into this package's, with advice where the cause is known."""
    try:
        yield
    except APIError as error:
        raise LaunchRefused(f"the engine would not {what}: {_advice(error)}") from error
    except (DockerException, *_ENGINE_LOST) as error:
        raise EngineUnavailable(
            f"the engine stopped answering when asked to {what} ({_cause(error)}); "
            f"see its log ({assets() / 'engine.sh'} start brings one back), then run again"
        ) from error


def _advice(error: APIError) -> str:
    explanation = str(error.explanation or error).strip()
    if "could not select device driver" in explanation:
        return (
            f"{explanation}. This engine cannot hand out GPUs: install the NVIDIA driver and "
            "the NVIDIA Container Toolkit, or measure another target (jaxrig targets)"
        )
    if "unknown device" in explanation:  # libnvidia-container's words for a number or a UUID
        return (
            f"{explanation}. Change `gpus` of this target in jaxrig.toml to one that "
            "`nvidia-smi -L` lists"
        )
    if "setting rlimit type 8" in explanation:  # runc's words, for RLIMIT_MEMLOCK
        return (
            f"{explanation}. This engine may not lift the limit on locked memory, which a TPU "
            "needs: give its service LimitMEMLOCK=infinity, or the capability CAP_SYS_RESOURCE"
        )
    if any(words in explanation for words in _NO_CGROUPS):
        return f"{explanation}. It cannot set the limits of a launch: {WAY_OUT}"
    if "requested cpus are not available" in explanation.lower():
        return f"{explanation}. Change `cpus` of this target in jaxrig.toml"
    return explanation


def _cause(error: BaseException) -> str:
    """The innermost reason; requests and the SDK wrap it several times."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
