"""Fingerprint of an optimised program: did the compiler make other code?

The text of optimised HLO names source files, lines and Python functions. None of them
changes what runs, so they are taken out before hashing; instruction names go too, because
parameters carry the names of Python arguments, and are replaced by order of appearance.
What stays: every operation, shape, layout, operand, attribute, backend setting and the order
of the schedule.

Two programs that differ only in the values of a large constant look equal (XLA elides them
in text); workloads pass arrays as arguments, so there is none.
"""

import hashlib
import re

_TABLES = re.compile(
    r"^(?:FileNames|FunctionNames|FileLocations|StackFrames)\n(?:\d+ .*\n)*", re.MULTILINE
)
_METADATA = re.compile(r",? ?metadata=\{(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\"|\{[^{}]*\})*\}")
_STACK_FRAME = re.compile(r",? ?stack_frame_id=\d+")
_SIGNATURE = re.compile(r"^((?:ENTRY )?%\S+) \(.*\{$", re.MULTILINE)
_NAME = re.compile(r"%[\w.\-]+")


def fingerprint(hlo: str) -> str:
    """sha256 (hex) of what `hlo` computes and how, wherever it was written."""
    return hashlib.sha256(canonical(hlo).encode()).hexdigest()


def canonical(hlo: str) -> str:
    """`hlo` without source locations, and with names numbered by first appearance."""
    for noise in (_TABLES, _METADATA, _STACK_FRAME):
        hlo = noise.sub("", hlo)
    hlo = _SIGNATURE.sub(r"\1 {", hlo)  # its parameters and result stand in the body again
    numbers: dict[str, str] = {}
    renamed = _NAME.sub(lambda name: numbers.setdefault(name[0], f"%{len(numbers)}"), hlo)
    return re.sub(r"\n{2,}", "\n", renamed)
