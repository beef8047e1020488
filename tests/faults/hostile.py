"""Stands in an image where Python finds it at its start, and takes a launch over: what a hostile
stack can do. Needs nothing but Python; what to do is told by the case that is asked for."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

ESCAPES = "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J\r\x08\u202ebidi\x7f"
GOOD = {"matmul/256/f32": "GOOD_FIRST", "matmul/2048/f32": "GOOD_LAST"}
CHUNK = b"x" * (1 << 20)
BOMBS = (
    b"[" * 100_000,
    b"9" * 1_000_000,
    b"[" * (30 << 20),
    b"9" * (30 << 20),
    b"[" + b"[]," * (10 << 20) + b"0]",
)


def write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def tell(kind: str, **fields: Any) -> None:
    write(json.dumps({"schema": 2, "kind": kind, **fields}).encode() + b"\n")


def environment() -> None:
    tell(
        "environment",
        platform="cpu",
        device_kinds=[ESCAPES],
        device_count=1,
        python=ESCAPES,
        jax="0",
        jaxlib="0",
        packages={"../../etc/passwd": ESCAPES},
        variables={},
        visible_cpus=[0],
        boot_id=None,
        compilation_cache=False,
    )


def escapes(case: str) -> None:
    os.write(2, f"{ESCAPES}\n".encode())
    tell("failure", case=case, failure="raised", message=f"before{ESCAPES}after")


def paths(_case: str) -> None:
    for name in ("../../../etc/passwd", "/etc/passwd", "..", "a\x00b"):
        tell("failure", case=name, failure="raised", message="a path")


def forges(_case: str) -> None:
    tell("failure", case="matmul/2048/f32", failure="raised", message="of another case")
    tell("finished", cases=1, run="of-another-run", launch=7)


def bombs(case: str) -> None:
    start = f'{{"schema":2,"kind":"failure","case":"{case}","x":'.encode()
    for bomb in BOMBS:
        write(start + bomb + b"}\n")


def forks(case: str) -> None:
    """Until it is refused; what was started ignores SIGTERM, and stays."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for number in range(100_000):
        try:
            child = os.fork()
        except OSError as error:
            message = f"{number} forks, then: {error.strerror}"
            tell("failure", case=case, failure="raised", message=message)
            return
        if child == 0:
            time.sleep(3600)
            os._exit(0)


def fills_disks(case: str) -> None:
    """All that it may write to. Writes until it is refused."""
    told = []
    for folder in ("/tmp", "/dev/shm", "/scratch", "/var/tmp", "/opt", "/"):
        size = 0
        try:
            with Path(folder, "filler").open("wb", buffering=0) as filler:
                while True:
                    size += filler.write(CHUNK)
        except OSError as error:
            told.append(f"{folder} {size >> 20} MiB: {error.strerror}")
    Path("/tmp/filler").unlink()
    tell("failure", case=case, failure="raised", message="; ".join(told))


def hogs_memory(_case: str) -> None:
    hog = []
    while True:
        hog.append(bytes([1]) * (1 << 24))


def floods(_case: str) -> None:
    """10 GB without an end of a line."""
    for _ in range(10_000):
        write(CHUNK)


def floods_lines(_case: str) -> None:
    for _ in range(10_000):
        os.write(2, CHUNK)
        write(b"noise\n" * 100)


def hangs(_case: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    while True:
        time.sleep(3600)


def behaves(case: str) -> None:
    """Measured as it should be: the test knows what the catalogue says of it."""
    write(os.environ[GOOD[case]].encode() + b"\n")


ACTIONS: Mapping[str, Callable[[str], None]] = {
    **dict.fromkeys(GOOD, behaves),
    "matmul/256/bf16": escapes,
    "matmul/512/f32": paths,
    "matmul/512/bf16": forges,
    "matmul/1024/f32": bombs,
    "matmul/1024/bf16": fills_disks,
    "dense/128/forward/f32": hogs_memory,
    "activation/relu/64MiB/f32": floods,
    "activation/silu/64MiB/f32": floods_lines,
    "dense/1/forward/f32": forks,
    "matmul/1x4096x4096/f32": hangs,
}


def cases() -> list[str]:
    words = [part for word in sys.orig_argv for part in word.split("=", 1)]
    return [word for flag, word in pairwise(words) if flag == "--case"]


def main() -> None:
    environment()
    for case in cases():
        tell("case_started", case=case)
        ACTIONS[case](case)
    tell("finished", cases=0)
    os._exit(0)


if "workloads.launch" in sys.orig_argv:
    main()
