"""Generators are stepped as their own attempt, and stay the generators they were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator

import pytest

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import current
from prefect_lineage.capture.generators import apart, silent, stepping

Seen = list[object]


def running() -> str | None:
    found = current.get()
    return found.run if found is not None else None


def echo(seen: Seen) -> Generator[object, object, str]:
    sent: object = None
    for _ in range(3):
        try:
            seen.append(running())
            sent = yield sent
        except KeyError:
            sent = "caught"
    return "end"


async def async_echo(seen: Seen) -> AsyncGenerator[object, object]:
    sent: object = None
    try:
        for _ in range(3):
            try:
                seen.append(running())
                sent = yield sent
            except KeyError:
                sent = "caught"
    finally:
        seen.append("closed")


def stepped(function: Callable[..., object], ends: list[bool]) -> Callable[..., object]:
    attempt = Attempt("mine")
    return stepping(
        function, lambda _a, _k: attempt, lambda _a, _v: None, lambda _a, completed: ends.append(completed)
    )


def test_a_generator_is_sent_and_thrown_into() -> None:
    seen, ends = [], []
    generator = stepped(echo, ends)(seen)
    assert [next(generator), generator.send(5), generator.throw(KeyError())] == [None, 5, "caught"]
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert (stop.value.value, seen, ends, running()) == ("end", ["mine"] * 3, [True], None)


@pytest.mark.parametrize("attempt", [None, Attempt("mine")])
def test_an_async_generator_is_sent_thrown_into_and_closed(attempt: Attempt | None) -> None:
    seen: Seen = []
    ends: list[bool] = []
    step = stepping(
        async_echo, lambda _a, _k: attempt, lambda _a, _v: None, lambda _a, completed: ends.append(completed)
    )

    async def main() -> list[object]:
        generator = step(seen)
        got = [await anext(generator), await generator.asend(5), await generator.athrow(KeyError())]
        await generator.aclose()
        return got

    assert asyncio.run(main()) == [None, 5, "caught"]
    name = attempt.run if attempt is not None else None
    assert seen == [name, name, name, "closed"]
    assert ends == ([True] if attempt is not None else [])


def test_an_error_of_an_async_generator_is_its_users_and_it_did_not_complete() -> None:
    ends: list[bool] = []

    async def fails() -> AsyncGenerator[int, None]:
        yield 1
        raise ZeroDivisionError

    async def main() -> None:
        async for _ in stepped(fails, ends)():
            pass

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
    assert ends == [False]


def test_a_generator_that_is_thrown_its_end_answers_for_itself() -> None:
    ends: list[bool] = []

    def stubborn() -> Generator[str, None, str]:
        try:
            yield "first"
        except GeneratorExit:
            yield "still here"
        return "gone"

    plain, generator = stubborn(), stepped(stubborn, ends)()
    for one in (plain, generator):
        assert next(one) == "first"
        assert one.throw(GeneratorExit()) == "still here"
        with pytest.raises(StopIteration, match="gone"):
            next(one)
    assert ends == [True]


def test_an_error_of_a_generator_that_is_closed_is_its_users_and_it_did_complete() -> None:
    ends: list[bool] = []

    def fails() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            raise ZeroDivisionError

    generator = stepped(fails, ends)()
    next(generator)
    with pytest.raises(ZeroDivisionError):
        generator.close()
    assert ends == [True]


def test_a_silent_generator_records_nothing_and_its_consumer_does() -> None:
    seen: Seen = []
    token = current.set(Attempt("consumer"))
    try:
        generator = silent(echo)(seen)
        next(generator)
        assert running() == "consumer"
        next(generator)
    finally:
        current.reset(token)
    assert seen == [None, None]


def test_a_generator_that_sets_the_attempt_keeps_it_to_itself_between_yields() -> None:
    seen: Seen = []

    @apart
    def flow() -> Generator[int, None, None]:
        token = current.set(Attempt("flow"))
        seen.append(running())
        yield 1
        seen.append(running())
        yield 2
        current.reset(token)

    token = current.set(Attempt("consumer"))
    try:
        for _ in flow():
            assert running() == "consumer"
        assert running() == "consumer"
    finally:
        current.reset(token)
    assert seen == ["flow", "flow"]
