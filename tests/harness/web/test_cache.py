"""Answers are made once, and kept while there is room."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from harness.web.answer import Answer
from harness.web.cache import Cache
from tests.harness.web.served import awaited

Make = Callable[[], Coroutine[Any, Any, Answer]]


class Making:
    """Counts how often it was made."""

    def __init__(self, size: int = 10) -> None:
        self.size, self.count = size, 0

    async def __call__(self) -> Answer:
        self.count += 1
        await asyncio.sleep(0)
        return Answer(body=b"x" * self.size, media="text/plain")


def test_what_several_ask_for_at_once_is_made_once() -> None:
    cache, make = Cache(), Making()

    async def ask() -> None:
        answers = await asyncio.gather(*(cache.answer("1", "a", make) for _ in range(5)))
        assert {id(each) for each in answers} == {id(answers[0])}
        await cache.answer("1", "a", make)

    awaited(ask())
    assert make.count == 1


def test_another_version_is_made_anew() -> None:
    cache, make = Cache(), Making()

    async def ask() -> None:
        for version in ("1", "2", "2", "1"):
            await cache.answer(version, "a", make)

    awaited(ask())
    assert make.count == 3


def test_of_what_has_no_room_the_oldest_goes() -> None:
    cache, makes = Cache(most_bytes=25), {name: Making() for name in "abc"}

    async def ask(*names: str) -> None:
        for name in names:
            await cache.answer("1", name, makes[name])

    awaited(ask("a", "b", "a", "c", "a", "b"))
    assert {name: each.count for name, each in makes.items()} == {"a": 1, "b": 2, "c": 1}


def test_what_is_larger_than_the_room_is_answered_and_not_kept() -> None:
    cache, make, small = Cache(most_bytes=25), Making(size=30), Making()

    async def ask() -> None:
        assert len((await cache.answer("1", "a", make)).body) == 30
        for _ in range(2):
            await cache.answer("1", "b", small)
        await cache.answer("1", "a", make)

    awaited(ask())
    assert (make.count, small.count) == (2, 1)


def test_what_failed_is_made_anew() -> None:
    cache, make = Cache(), Making()

    async def fail() -> Answer:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def ask() -> None:
        found = await asyncio.gather(
            *(cache.answer("1", "a", fail) for _ in range(2)), return_exceptions=True
        )
        assert [type(each) for each in found] == [ValueError, ValueError]
        await cache.answer("1", "a", make)

    awaited(ask())
    assert make.count == 1


def test_who_goes_takes_nothing_from_those_who_wait() -> None:
    cache, make = Cache(), Making()

    async def ask() -> None:
        first = asyncio.create_task(cache.answer("1", "a", make))
        second = asyncio.create_task(cache.answer("1", "a", make))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).body == b"x" * 10
        with pytest.raises(asyncio.CancelledError):
            await first

    awaited(ask())
    assert make.count == 1
