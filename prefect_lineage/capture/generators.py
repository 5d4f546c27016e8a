"""Generators of the user's, stepped so that only their own code runs as their attempt."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass
from typing import Any

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import current, paused

__all__ = ["apart", "real_task", "silent", "stand_in_for", "stepping"]

_REAL = "__prefect_lineage_real_task__"
"""On a task that runs another function than its user's: the task of the user."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where a generator runs.

    Attributes:
        around: entered for each step, so not while the generator is suspended.
        yielded: told each value.
        end: told when it is over, and whether it completed.
        is_failure: whether what it returned says that it did not complete.
    """

    around: Callable[[], AbstractContextManager[object]] = nullcontext
    yielded: Callable[[object], object] = lambda _: None
    end: Callable[[bool], object] = lambda _: None
    is_failure: Callable[[object], bool] = lambda _: False


def stepping(
    function: Callable[..., Any],
    begin: Callable[[tuple[Any, ...], dict[str, Any]], Attempt | None],
    yielded: Callable[[Attempt, object], object],
    end: Callable[[Attempt, bool], object],
    is_failure: Callable[[object], bool] = lambda _: False,
) -> Callable[..., Any]:
    """Wrap a generator function: between two yields its attempt is the current one, else not.

    Args:
        begin: called at the first step with the arguments; without an attempt the generator runs as it is.
        yielded: told each value.
        end: told when it is over, and whether it completed.
        is_failure: whether what it returned says that it did not complete.
    """

    def stage(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Stage:
        attempt = begin(args, kwargs)
        if attempt is None:
            return _Stage()
        return _Stage(
            functools.partial(_as_current, attempt),
            functools.partial(yielded, attempt),
            functools.partial(end, attempt),
            is_failure,
        )

    return _staged(function, stage)


def silent(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a generator function: nothing that its own code does is recorded; what its consumer does is."""
    return _staged(function, lambda _args, _kwargs: _Stage(paused))


def apart(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a generator function that sets the current attempt: its consumer keeps its own between the yields."""

    def stage(_args: tuple[Any, ...], _kwargs: dict[str, Any]) -> _Stage:
        return _Stage(functools.partial(_remembering, [current.get()]))

    return _staged(function, stage)


def stand_in_for(task: Any, function: Callable[..., Any]) -> Any:
    """A stand-in for a task that runs ``function``; whoever keeps it asks for :func:`real_task`."""
    stand_in = copy(task)
    stand_in.fn = function
    setattr(stand_in, _REAL, real_task(task))
    return stand_in


def real_task(task: Any) -> Any:
    """The task that its user knows: the one that contexts show, hooks are given and cache keys are made of."""
    if _REAL not in task.__dict__:
        return task  # mostly
    return task.__dict__[_REAL]


_StageOf = Callable[[tuple[Any, ...], dict[str, Any]], _Stage]


def _staged(function: Callable[..., Any], stage_of: _StageOf) -> Callable[..., Any]:
    is_async = inspect.isasyncgenfunction(inspect.unwrap(function))
    return _async_steps(function, stage_of) if is_async else _steps(function, stage_of)


def _steps(function: Callable[..., Any], stage_of: _StageOf) -> Callable[..., Any]:
    @functools.wraps(function)
    def steps(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        stage, completed = stage_of(args, kwargs), False
        try:
            with stage.around():
                generator = function(*args, **kwargs)
            resume: Callable[[], Any] = functools.partial(next, generator)
            while True:
                with stage.around():
                    value = resume()
                stage.yielded(value)
                try:
                    sent = yield value
                except BaseException as error:  # noqa: BLE001 - handed on to whom it is for
                    completed = _had_enough(error)
                    resume = functools.partial(generator.throw, error)
                else:
                    completed = False
                    resume = functools.partial(generator.send, sent)
        except StopIteration as stop:
            completed = not stage.is_failure(stop.value)
            return stop.value
        finally:
            stage.end(completed)

    return steps


def _async_steps(function: Callable[..., Any], stage_of: _StageOf) -> Callable[..., Any]:
    @functools.wraps(function)
    async def async_steps(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        stage, completed = stage_of(args, kwargs), False
        try:
            with stage.around():
                generator = function(*args, **kwargs)
            resume: Callable[[], Any] = generator.__anext__
            while True:
                with stage.around():
                    value = await resume()
                stage.yielded(value)
                try:
                    sent = yield value
                except BaseException as error:  # noqa: BLE001 - handed on to whom it is for
                    completed = _had_enough(error)
                    resume = functools.partial(generator.athrow, error)
                else:
                    completed = False
                    resume = functools.partial(generator.asend, sent)
        except StopAsyncIteration:
            completed = True
        finally:
            stage.end(completed)

    return async_steps


def _had_enough(error: BaseException) -> bool:
    """Whether it is the consumer who ended: Prefect calls that completed, whatever the generator does then."""
    return isinstance(error, GeneratorExit)


@contextmanager
def _as_current(attempt: Attempt) -> Iterator[None]:
    token = current.set(attempt)
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def _remembering(inner: list[Attempt | None]) -> Iterator[None]:
    """The current attempt of the generator, from step to step; the consumer's is back after each."""
    outer = current.get()
    current.set(inner[0])
    try:
        yield
    finally:
        inner[0] = current.get()
        current.set(outer)
