"""What a run shows while it goes: lines in a log, a bar on a terminal."""

import io
import re
from pathlib import Path
from types import MappingProxyType

from harness.plan import Launch, Plan
from harness.report.progress import BarProgress, PlainProgress, first_line, make_progress, outcome
from harness.target import Target
from tests.harness.samples import A, B, parsed_measurement

TWICE = tuple(Launch(index=index, part=0, cases=(A, B)) for index in range(2))
PLAN = Plan(
    target_name="cpu",
    target=Target(platform="cpu", dockerfile=Path("cpu.Dockerfile")),
    suite="quick",
    isolation="container",
    launches=TWICE,
    tags=MappingProxyType({}),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watch(progress: PlainProgress | BarProgress) -> None:
    """B fails in the first launch, which needs a second part; the second launch leaves it out."""
    progress.run_started(PLAN, "20260301-1")
    progress.launch_started(TWICE[0])
    progress.case_started(A)
    progress.measured(parsed_measurement(A, [1e-3, 3e-3, 2e-3]))
    progress.case_started(B)
    progress.failed(B, "crashed", "exit code 1\n\x1b[31mtraceback")
    progress.launch_started(Launch(index=0, part=1, cases=()))
    progress.launch_started(Launch(index=1, part=0, cases=(A,)))
    progress.failed(None, "engine", "\x1b[31mgone")
    progress.measured(parsed_measurement(A, [0.5]))
    progress.close()


def test_a_log_has_a_line_for_every_outcome() -> None:
    stream = io.StringIO()
    watch(PlainProgress(stream))
    shown = re.sub(r"\(\d+:\d\d left\)", "(m:ss left)", stream.getvalue())
    assert shown == (
        "run 20260301-1: 2 cases, 2 launches\n"
        "launch 1/2  matmul/256/f32  2.00 ms (3 rounds)  (m:ss left)\n"
        "launch 1/2  FAILED matmul/512/f32 (crashed): exit code 1\n"
        "launch 2/2  FAILED (engine): \N{REPLACEMENT CHARACTER}[31mgone\n"
        "launch 2/2  matmul/256/f32  500 ms (1 rounds)  (m:ss left)\n"
    )
    assert stream.getvalue().endswith("(0:00 left)\n")  # all of it is done


def test_a_second_part_says_so() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.run_started(PLAN, "x")
    progress.launch_started(Launch(index=0, part=1, cases=(B,)))
    progress.measured(parsed_measurement(B))
    assert "launch 1/2, part 2  matmul/512/f32" in stream.getvalue()


def test_a_bar_counts_cases_and_never_passes_control_characters_on() -> None:
    stream = Terminal()
    watch(BarProgress(stream))
    shown = stream.getvalue()
    assert "4/4" in shown
    assert "launch 2/2" in shown
    assert f"FAILED {B} (crashed): exit code 1" in shown
    assert "\N{REPLACEMENT CHARACTER}[31mgone" in shown
    assert "\x1b[31mgone" not in shown


def test_a_terminal_gets_a_bar_and_a_file_gets_lines() -> None:
    bar = make_progress(Terminal())
    bar.close()
    assert isinstance(bar, BarProgress)
    assert isinstance(make_progress(io.StringIO()), PlainProgress)


def test_an_outcome_is_the_median_in_a_fitting_unit() -> None:
    assert outcome(parsed_measurement(A, [1e-6, 9e-6, 2e-6])) == f"{A}  2.00 µs (3 rounds)"


def test_only_the_first_line_of_a_message_is_shown() -> None:
    assert first_line("one\ntwo") == "one"
    assert first_line("") == ""
