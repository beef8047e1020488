"""Processes that make answers."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

import pytest

from harness.errors import DatabaseFailure
from harness.web.answer import Answer
from harness.web.crew import Crew, Mistake
from harness.web.parameters import Asked
from harness.web.refused import Refused
from tests.harness.web.served import awaited

RUNS = Asked(path="api/machines", values={"limit": 10, "offset": 0})


def floor(_case: str) -> float:
    return 0.02


def with_crew(url: str, count: int, work: Any) -> Any:
    async def run() -> Any:
        crew = Crew(url, floor, count)
        await crew.start()
        try:
            return await work(crew)
        finally:
            crew.close()

    return awaited(run())


def test_answers_are_made_by_as_many_as_there_are(filled: str) -> None:
    async def work(crew: Crew) -> list[Answer]:
        asking: list[Coroutine[Any, Any, Answer]] = [
            crew.made("/api/machines", RUNS) for _ in range(5)
        ]
        return list(await asyncio.gather(*asking))

    answers = with_crew(filled, 2, work)
    assert len(answers) == 5
    assert {each.body for each in answers} == {answers[0].body}
    assert b"testbed" in answers[0].body


def test_what_is_refused_or_fails_there_is_so_here(filled: str) -> None:
    async def work(crew: Crew) -> None:
        with pytest.raises(Refused, match="no single run") as caught:
            await crew.made("/api/runs/{run}", Asked(path="x", values={"run": "no", "samples": 0}))
        assert caught.value.status == 404
        with pytest.raises(Mistake, match="Traceback"):
            await crew.made("/no such resource", RUNS)
        await crew.made("/api/machines", RUNS)

    with_crew(filled, 1, work)


def test_one_that_was_killed_is_replaced(filled: str) -> None:
    async def work(crew: Crew) -> None:
        first = crew._members[0]._process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert b"testbed" in (await crew.made("/api/machines", RUNS)).body
        assert crew._members[0]._process.pid != first

    with_crew(filled, 1, work)


def test_they_end_with_it(filled: str) -> None:
    async def work(crew: Crew) -> list[Any]:
        return [each._process for each in crew._members]

    for process in with_crew(filled, 2, work):
        process.join(10)
        assert not process.is_alive()


def test_a_database_failure_comes_as_such(filled: str, tmp_path: Any) -> None:
    import shutil

    own = shutil.copy(filled.removeprefix("sqlite:///"), tmp_path / "own.db")

    async def work(crew: Crew) -> None:
        os.unlink(own)  # noqa: PTH108
        with pytest.raises(DatabaseFailure):
            await crew.made("/api/machines", RUNS)

    with_crew(f"sqlite:///{own}", 1, work)
