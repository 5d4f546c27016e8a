"""``@track``: name what a task takes and returns, and capture that task even where nothing else is on."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, overload

from prefect_lineage.capture import switch
from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import current
from prefect_lineage.capture.declaring import Said
from prefect_lineage.capture.engines import MARK
from prefect_lineage.capture.generators import stepping
from prefect_lineage.errors import LineageError
from prefect_lineage.model.reference import checked_alias, checked_name

__all__ = ["track"]

F = TypeVar("F")

Outputs = str | Sequence[str | None] | Mapping[Any, str]


@dataclass(frozen=True, slots=True)
class Tracking:
    """What the decorator was told."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Outputs | None = None
    type: str | None = None
    aliases: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@overload
def track(fn: F) -> F: ...
@overload
def track(
    fn: None = None,
    *,
    inputs: Mapping[str, str] | None = None,
    outputs: Outputs | None = None,
    type: str | None = None,
    aliases: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    capture: bool = True,
) -> Callable[[F], F]: ...
def track(
    fn: Any = None,
    *,
    inputs: Mapping[str, str] | None = None,
    outputs: Outputs | None = None,
    type: str | None = None,  # noqa: A002 - the glossary's word
    aliases: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    capture: bool = True,
) -> Any:
    """Track a task, under ``@task`` or above it; sync, async and generator functions alike.

    Outside any run the function behaves as if it were not decorated.

    Args:
        inputs: parameter -> reference of the artifact that is passed there.
        outputs: a name for the returned value; or names matched with a returned tuple or dict. A returned
            path of a file is named, not the text.
        type: of the outputs: ``dataset``, ``model`` …
        aliases: moved to every version that it returns.
        metadata: attached to every version that it returns.
        capture: False keeps the task out of the lineage altogether.

    Raises:
        LineageError: an option does not fit the function.
    """
    if isinstance(aliases, str):
        raise LineageError(f"@track(aliases={aliases!r}) is one text; give a list: aliases=[{aliases!r}].")
    for name in _names(outputs):
        checked_name(name)
    for alias in aliases:
        checked_alias(alias)
    tracking = Tracking(dict(inputs or {}), outputs, type, tuple(aliases), dict(metadata or {}))

    def decorate(target: Any) -> Any:
        if _is_task(target):
            target.fn = _tracked(target.fn, tracking, capture=capture)
            return target
        return _tracked(target, tracking, capture=capture)

    return decorate if fn is None else decorate(fn)


def _is_task(target: object) -> bool:
    """Whether it is a Prefect task, told without importing Prefect."""
    return any(
        base.__module__ == "prefect.tasks" and base.__name__ == "Task" for base in type(target).__mro__
    )


def _tracked(function: Callable[..., Any], tracking: Tracking, *, capture: bool) -> Callable[..., Any]:
    if not callable(function):
        raise LineageError(f"@track decorates functions and tasks, not {function!r}.")
    _check_parameters(function, tracking)
    wrapper = _wrapper(function, tracking) if capture else function
    setattr(wrapper, MARK, capture)
    if capture:
        switch.enable_tracked()
    return wrapper


def _check_parameters(function: Callable[..., Any], tracking: Tracking) -> None:
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in tracking.inputs:
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise LineageError(
                f"@track(inputs={{{name!r}: …}}): {function.__qualname__}() has no such parameter; it has: {known}."
            )


def _wrapper(function: Callable[..., Any], tracking: Tracking) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        return stepping(
            function,
            begin=lambda args, kwargs: _declare_inputs(current.get(), function, tracking, args, kwargs),
            yielded=lambda attempt, value: _declare_outputs(attempt, tracking, value),
            end=lambda _attempt, _completed: None,
        )
    if inspect.iscoroutinefunction(function):
        return _coroutine(function, tracking)

    @functools.wraps(function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        attempt = _declare_inputs(current.get(), function, tracking, args, kwargs)
        result = function(*args, **kwargs)
        _declare_outputs(attempt, tracking, result)
        return result

    return tracked


def _coroutine(function: Callable[..., Any], tracking: Tracking) -> Callable[..., Any]:
    @functools.wraps(function)
    async def tracked(*args: Any, **kwargs: Any) -> Any:
        attempt = _declare_inputs(current.get(), function, tracking, args, kwargs)
        result = await function(*args, **kwargs)
        _declare_outputs(attempt, tracking, result)
        return result

    return tracked


def _declare_inputs(
    attempt: Attempt | None,
    function: Callable[..., Any],
    tracking: Tracking,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Attempt | None:
    """Declare what the call was given; gives the attempt back, None outside any run."""
    declaring = switch.declaring()
    if attempt is None or declaring is None or not tracking.inputs:
        return attempt
    try:
        arguments = inspect.signature(function).bind_partial(*args, **kwargs).arguments
    except TypeError:
        return attempt  # the call itself will raise, with the user's own traceback
    for parameter, reference in tracking.inputs.items():
        declaring.passed(attempt, reference, parameter, arguments.get(parameter))
    return attempt


def _declare_outputs(attempt: Attempt | None, tracking: Tracking, result: Any) -> None:
    declaring = switch.declaring()
    if attempt is None or declaring is None or tracking.outputs is None:
        return
    said = Said(type=tracking.type, aliases=tracking.aliases, metadata=tracking.metadata)
    for name, value in _named_parts(tracking.outputs, result):
        declaring.returned(attempt, value, replace(said, name=name))


def _names(outputs: Outputs | None) -> list[str]:
    """Every name that is given."""
    if outputs is None or isinstance(outputs, str):
        return [] if outputs is None else [outputs]
    given = outputs.values() if isinstance(outputs, Mapping) else outputs
    return [name for name in given if name is not None]


def _named_parts(outputs: Outputs, result: Any) -> Iterator[tuple[str, Any]]:
    """The names with the parts of the result that they are for; names without a part are left out."""
    if isinstance(outputs, str):
        yield outputs, result
    elif isinstance(outputs, Mapping):
        for key, name in outputs.items():
            if isinstance(result, Mapping) and key in result:
                yield name, result[key]
    elif isinstance(result, (tuple, list)):
        pairs = zip(outputs, result, strict=False)
        yield from ((name, value) for name, value in pairs if name is not None)
