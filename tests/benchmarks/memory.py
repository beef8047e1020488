"""`python -m tests.benchmarks.memory MODULE ARGUMENT…` runs a module, and tells the most memory
that it had as the last line of stderr.

Not by `getrusage`: a process that was forked off begins with what its parent had.
"""

import runpy
import sys
from pathlib import Path


def peak_bytes() -> int:
    """Of this process, resident (proc_pid_status(5): VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(found) * 1024


def main() -> None:
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    finally:
        sys.stderr.write(f"{peak_bytes()}\n")


if __name__ == "__main__":
    main()
