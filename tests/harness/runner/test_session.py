"""A session charges everything that a launch prints, or fails to print, to whom it belongs."""

import time
from dataclasses import dataclass

import pytest

from containers.engine import Exit
from containers.errors import EngineUnavailable
from harness.errors import EnvironmentFailure
from harness.records import Environment
from harness.runner.session import Ending, Session, TimeLimits
from tests.harness.fakes import FOREVER, WELL, FakeRunning, Findings, Script, Step
from tests.harness.samples import (
    A,
    B,
    C,
    benchmark,
    collected,
    environment,
    failure,
    finished,
    line,
    lines,
    measured,
    measurement,
    profile,
    skipped,
    started,
)

ENVIRONMENT = line(environment())
DEAD = Exit(code=139, out_of_memory=False)


@dataclass(frozen=True)
class Followed:
    """A session that came to its end."""

    ending: Ending
    found: Findings
    running: FakeRunning

    @property
    def measured(self) -> list[str]:
        return [each.case for each in self.found.measurements]

    @property
    def blamed(self) -> list[tuple[str | None, str]]:
        return self.found.blamed

    @property
    def message(self) -> str:
        """The only failure's."""
        ((_, _, message),) = self.found.failures
        return message


def follow(
    *steps: Step,
    cases: tuple[str, ...] = (A, B),
    exit_: Exit = WELL,
    log: str = "",
    case_s: float = 30.0,
    launch_s: float = 60.0,
    found: Findings | None = None,
    profiled: bool = False,
) -> Followed:
    running = FakeRunning(Script(steps, exit_, log))
    found = Findings() if found is None else found
    session = Session(
        running=running,
        cases=cases,
        limits=TimeLimits(case_s=case_s, launch_s=launch_s),
        sink=found,
        deadline=time.monotonic() + launch_s,
        profiled=profiled,
    )
    return Followed(session.follow(), found, running)


def test_a_launch_that_goes_well() -> None:
    done = follow(ENVIRONMENT, measured(A, [0.1, 0.2]), measured(B), line(finished(2)))
    assert done.measured == [A, B]
    assert done.found.started == [A, B]
    assert done.found.measurements[0].samples_s == [0.1, 0.2]
    assert len(done.found.environments) == 1
    assert done.found.failures == []
    assert done.ending == Ending(remaining=(), exit=WELL, go_on=True)


def test_records_are_put_together_across_chunks() -> None:
    text = ENVIRONMENT + measured(A) + measured(B) + line(finished(2))
    single_bytes = [text[i : i + 1] for i in range(len(text))]
    done = follow(*single_bytes)
    assert done.measured == [A, B]
    assert done.found.failures == []


def test_the_last_line_needs_no_newline() -> None:
    done = follow(ENVIRONMENT, measured(A), measured(B), line(finished(2)).rstrip(b"\n"))
    assert done.found.failures == []


def test_a_failure_is_charged_to_its_case_and_the_launch_goes_on() -> None:
    wrong = lines(started(A), failure(A, "wrong_numbers", "off by 1 %"))
    done = follow(ENVIRONMENT, wrong, measured(B), line(finished(1)))
    assert done.found.failures == [(A, "wrong_numbers", "off by 1 %")]
    assert done.measured == [B]
    assert done.ending.remaining == ()


def test_a_failure_at_its_end_is_charged_to_a_measured_case() -> None:
    late = measured(A) + line(failure(A, message="OSError: bad end"))
    done = follow(ENVIRONMENT, late, measured(B), line(failure(A)), line(finished(2)))
    assert done.measured == [A, B]
    assert done.found.failures[0] == (A, "raised", "OSError: bad end")
    assert done.blamed == [(A, "raised"), (None, "bad_record")]  # B came between


def test_a_measured_case_comes_to_grief_once() -> None:
    forged = line(failure(A, message="again")) * 100
    done = follow(ENVIRONMENT, measured(A) + forged, measured(B), line(finished(2)))
    assert done.blamed[0] == (A, "raised")
    assert {kind for _, kind in done.blamed[1:]} == {"bad_record"}
    assert len(done.found.failures) == 52  # the flood is stopped


def test_a_case_cannot_begin_its_time_anew() -> None:
    done = follow(ENVIRONMENT, lines(started(A), started(A)), measured(B), line(finished(1)))
    assert done.found.started == [A, B]
    assert done.blamed == [(A, "bad_record")]
    assert "second start" in done.message


def test_a_benchmark_of_one_s_own_is_handed_on_as_it_is() -> None:
    case = "test_a.py::test_b[two words]"
    lines_ = lines(started(case), benchmark(case, [0.1, 0.2]))
    done = follow(ENVIRONMENT, lines_, line(finished(1)), cases=(case,))
    assert done.measured == [case]
    assert done.found.failures == []


def test_a_launch_that_is_profiled_times_nothing() -> None:
    traced = lines(started(A), profile(A))
    done = follow(ENVIRONMENT, traced, measured(B), line(finished(2)), profiled=True)
    assert [each.case for each in done.found.profiles] == [A]
    assert done.measured == []
    assert done.blamed == [(B, "bad_record")]
    assert "measurement record from a launch that is profiled" in done.message


def test_a_launch_that_times_is_not_profiled() -> None:
    traced = lines(started(A), profile(A))
    done = follow(ENVIRONMENT, traced, measured(B), line(finished(2)))
    assert (done.found.profiles, done.measured) == ([], [B])
    assert done.blamed == [(A, "bad_record")]
    assert "profile record from a launch that measures" in done.message


def test_what_is_collected_is_no_record_of_a_launch() -> None:
    done = follow(ENVIRONMENT, line(collected(A)), measured(A), measured(B), line(finished(2)))
    assert done.blamed == [(None, "bad_record")]


def test_a_skipped_case_is_settled_and_no_failure() -> None:
    skip = lines(started(A), skipped(A, "needs 8 devices; there is 1"))
    done = follow(ENVIRONMENT, skip, measured(B), line(finished(1)))
    assert done.found.skips == [(A, "needs 8 devices; there is 1")]
    assert done.found.failures == []
    assert done.measured == [B]
    assert done.ending.remaining == ()


@pytest.mark.parametrize(
    "bad",
    [
        b"this is no record\n",
        line(measurement(A, [float("nan")])),
        line(measurement(A, [-1.0])),
        line(measurement(A) | {"schema": 1}),
        line(measurement(A) | {"extra": 1}),
    ],
    ids=["text", "nan", "negative", "schema", "extra"],
)
def test_a_bad_record_is_charged_to_the_case_that_runs(bad: bytes) -> None:
    done = follow(ENVIRONMENT, line(started(A)), bad, measured(B), line(finished(1)))
    assert done.blamed == [(A, "bad_record")]
    assert done.measured == [B]
    assert done.ending.remaining == ()


def test_the_message_of_a_bad_record_shows_the_line_without_control_characters() -> None:
    done = follow(ENVIRONMENT, line(started(A)), b"\x1b[31mhello\n", measured(B), line(finished(1)))
    assert "hello" in done.message
    assert "\x1b" not in done.message


def test_an_overlong_line_is_passed_over_and_reported_with_its_length() -> None:
    chunks = [b"x" * (1 << 20)] * 33
    done = follow(ENVIRONMENT, line(started(A)), *chunks, b"\n", measured(B), line(finished(1)))
    assert done.blamed == [(A, "bad_record")]
    assert f"{33 << 20:,} bytes" in done.message
    assert done.measured == [B]


def test_a_measurement_of_another_case_than_the_running_one_is_refused() -> None:
    done = follow(ENVIRONMENT, lines(started(A), measurement(B)), measured(B), line(finished(1)))
    assert done.blamed == [(A, "bad_record")]
    assert done.measured == [B]


def test_a_failure_of_another_case_than_the_running_one_is_refused() -> None:
    forged = line(failure(B, message="forged"))
    done = follow(ENVIRONMENT, line(started(A)), forged, measured(B), line(finished(1)))
    assert done.blamed == [(A, "bad_record")]
    assert "forged" not in done.message.partition("; the line begins")[0]


def test_a_case_that_nobody_asked_for_is_refused() -> None:
    done = follow(ENVIRONMENT, measured(C), measured(A), measured(B), line(finished(2)))
    assert done.measured == [A, B]
    assert done.blamed == [(None, "bad_record")] * 2  # its start, and its measurement
    assert C in done.found.failures[0][2]


def test_a_second_measurement_of_a_case_is_refused() -> None:
    twice = lines(started(A), measurement(A, [1.0]), measurement(A, [2.0]))
    done = follow(ENVIRONMENT, twice, measured(B), line(finished(2)))
    assert [each.samples_s for each in done.found.measurements] == [[1.0], [1.0]]
    assert done.blamed == [(None, "bad_record")]


def test_a_settled_case_cannot_start_again() -> None:
    done = follow(ENVIRONMENT, measured(A), measured(A, [9.0]), measured(B), line(finished(2)))
    assert done.measured == [A, B]
    assert done.found.measurements[0].samples_s == [1.0]
    assert done.blamed == [(None, "bad_record")] * 2


def test_nothing_counts_before_the_environment() -> None:
    done = follow(measured(A), exit_=DEAD)
    assert done.measured == []
    assert done.found.started == []
    assert "before the environment" in done.found.failures[0][2]
    assert not done.ending.go_on


def test_a_second_environment_is_refused() -> None:
    done = follow(ENVIRONMENT, ENVIRONMENT, measured(A), measured(B), line(finished(2)))
    assert len(done.found.environments) == 1
    assert done.blamed == [(None, "bad_record")]


def test_an_environment_that_the_sink_refuses_ends_the_launch() -> None:
    class Strict(Findings):
        def environment(self, environment: Environment) -> None:
            raise EnvironmentFailure(environment.platform)

    found = Strict()
    with pytest.raises(EnvironmentFailure, match="cpu"):
        follow(ENVIRONMENT + measured(A), found=found)
    assert found.measurements == []


def test_a_case_over_its_time_limit_is_stopped_and_the_rest_remains() -> None:
    done = follow(ENVIRONMENT + line(started(A)), FOREVER, case_s=0.1)
    assert done.blamed == [(A, "timed_out")]
    assert "took longer than 0.1 s" in done.message
    assert "case_limit_s" in done.message
    assert done.ending.remaining == (B,)
    assert done.ending.go_on
    assert done.running.waits == [0.0]  # it is not waited for


def test_every_case_and_every_pause_between_has_its_own_time() -> None:
    def pause() -> None:
        time.sleep(0.55)

    done = follow(
        ENVIRONMENT,
        line(started(A)),
        pause,
        line(measurement(A)),
        pause,
        b"\n",
        line(started(B)),
        pause,
        line(measurement(B)),
        line(finished(2)),
        case_s=1.0,
    )
    assert done.found.failures == []


def test_start_up_has_a_time_limit_too() -> None:
    done = follow(ENVIRONMENT, FOREVER, case_s=0.1)
    assert done.blamed == [(None, "timed_out")]
    assert "start-up" in done.message
    assert done.ending.remaining == (A, B)
    assert not done.ending.go_on


def test_a_launch_that_hangs_after_its_last_case_is_stopped() -> None:
    all_at_once = ENVIRONMENT + measured(A) + measured(B) + line(finished(2))
    done = follow(all_at_once, FOREVER, case_s=0.1)
    assert done.measured == [A, B]
    assert done.blamed == [(None, "timed_out")]
    assert "start-up" not in done.message
    assert done.ending.remaining == ()


def test_at_the_launch_s_time_limit_every_open_case_is_charged() -> None:
    done = follow(
        ENVIRONMENT + measured(A) + line(started(B)), FOREVER, cases=(A, B, C), launch_s=0.1
    )
    assert done.measured == [A]
    assert done.blamed == [(B, "timed_out"), (C, "timed_out")]
    assert "the launch took longer than 0.1 s" in done.found.failures[0][2]
    assert "not reached" in done.found.failures[1][2]
    assert done.ending.remaining == ()


def test_out_of_memory_names_the_limit_to_raise() -> None:
    killed = Exit(code=137, out_of_memory=True)
    done = follow(ENVIRONMENT, line(started(A)), exit_=killed)
    assert done.blamed == [(A, "out_of_memory")]
    assert "`memory`" in done.message
    assert done.ending == Ending(remaining=(B,), exit=killed, go_on=True)


def test_a_crash_in_a_case_is_charged_to_it_with_the_log_s_end() -> None:
    log = "\n".join(f"line {number}" for number in range(100))
    done = follow(ENVIRONMENT, line(started(A)), exit_=DEAD, log=log)
    assert done.blamed == [(A, "crashed")]
    assert "exit code 139" in done.message
    assert "line 85\n" in done.message
    assert done.message.endswith("line 99")
    assert "line 84\n" not in done.message
    assert done.ending.remaining == (B,)


def test_after_a_crash_between_cases_the_rest_remains() -> None:
    done = follow(ENVIRONMENT, measured(A), exit_=DEAD)
    assert done.measured == [A]
    assert done.blamed == [(None, "crashed")]
    assert done.ending == Ending(remaining=(B,), exit=DEAD, go_on=True)


@pytest.mark.parametrize("printed", [[], [ENVIRONMENT]], ids=["nothing", "environment"])
def test_after_a_crash_before_the_first_case_going_on_makes_no_sense(printed: list[bytes]) -> None:
    done = follow(*printed, exit_=DEAD)
    assert done.blamed == [(None, "crashed")]
    assert done.ending == Ending(remaining=(A, B), exit=DEAD, go_on=False)


def test_a_clean_exit_without_the_last_record_is_a_crash() -> None:
    done = follow(ENVIRONMENT, measured(A), measured(B))
    assert done.blamed == [(None, "crashed")]


def test_a_case_that_a_finished_launch_never_mentioned_is_charged() -> None:
    done = follow(ENVIRONMENT, measured(B), line(finished(1)))
    assert done.blamed == [(A, "crashed")]
    assert "without a word" in done.message
    assert done.ending.remaining == ()


def test_a_flood_of_bad_lines_is_stopped() -> None:
    done = follow(ENVIRONMENT, line(started(A)), b"noise\n" * 1000, measured(B), FOREVER)
    assert len(done.found.failures) == 51
    assert {case for case, _ in done.blamed} == {A}
    assert "stopped after 50" in done.found.failures[-1][2]
    assert done.measured == []
    assert done.ending.remaining == (B,)
    assert done.running.waits == [0.0]


def test_an_engine_that_vanishes_is_no_crash() -> None:
    with pytest.raises(EngineUnavailable, match="gone"):
        follow(ENVIRONMENT, measured(A), EngineUnavailable("gone"))
