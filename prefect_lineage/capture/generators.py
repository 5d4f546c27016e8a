"""Generators of the user's, stepped so that only their own code runs as their attempt."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import current

__all__ = ["stepping"]


def stepping(
    function: Callable[..., Any],
    begin: Callable[[tuple[Any, ...], dict[str, Any]], Attempt | None],
    yielded: Callable[[Attempt, object], object],
    end: Callable[[Attempt, bool], object],
) -> Callable[..., Any]:
    """Wrap a generator function: between two yields its attempt is the current one, else not.

    Args:
        begin: called at the first step with the arguments; without an attempt the generator runs as it is.
        yielded: told each value.
        end: told when it is over, and whether it completed.
    """

    @functools.wraps(function)
    def steps(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        attempt, completed = begin(args, kwargs), False
        if attempt is None:
            return (yield from function(*args, **kwargs))
        generator = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, generator)
        try:
            while True:
                value = _within(attempt, resume)
                yielded(attempt, value)
                try:
                    sent = yield value
                except GeneratorExit:
                    _within(attempt, generator.close)
                    completed = True  # the consumer had enough: Prefect calls that completed
                    raise
                except BaseException as error:  # noqa: BLE001 - handed on to whom it is for
                    resume = functools.partial(generator.throw, error)
                else:
                    resume = functools.partial(generator.send, sent)
        except StopIteration as stop:
            completed = True
            return stop.value
        finally:
            end(attempt, completed)

    @functools.wraps(function)
    async def async_steps(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        attempt, completed = begin(args, kwargs), False
        generator = function(*args, **kwargs)
        if attempt is None:
            async for value in generator:
                yield value
            return
        try:
            while True:
                value = await _within_async(attempt, generator.__anext__)
                yielded(attempt, value)
                yield value
        except (StopAsyncIteration, GeneratorExit):
            completed = True
            await _within_async(attempt, generator.aclose)
        finally:
            end(attempt, completed)

    return async_steps if inspect.isasyncgenfunction(inspect.unwrap(function)) else steps


def _within(attempt: Attempt, step: Callable[[], Any]) -> Any:
    token = current.set(attempt)
    try:
        return step()
    finally:
        current.reset(token)


async def _within_async(attempt: Attempt, step: Callable[[], Any]) -> Any:
    token = current.set(attempt)
    try:
        return await step()
    finally:
        current.reset(token)
