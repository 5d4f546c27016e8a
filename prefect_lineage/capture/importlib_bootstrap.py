"""The frames that stand between a user's call and the library: they count for nothing.

The name of this file matters. ``warnings.warn(..., stacklevel=2)`` must blame the line that called the library and
not the patch in between; Python's own ``warnings`` skips every frame whose file name holds both
"importlib" and "_bootstrap", also where a library counts its frames by itself, as pandas does.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from types import CodeType, FrameType
from typing import Any, Protocol

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import current

__all__ = ["Watch", "in_namespace_of", "watching", "watching_async"]


class Watch(Protocol):
    """What is done about one watched call; ``before`` gives what ``after`` and ``failed`` are told, or None."""

    def before(
        self, attempt: Attempt, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any: ...

    def after(self, attempt: Attempt, seen: Any, result: Any) -> None: ...

    def failed(self, seen: Any) -> None: ...

    def outside(
        self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None: ...


def watching(
    original: Callable[..., Any], watch: Watch, *, outside: bool = False, in_caller: bool = False
) -> Callable[..., Any]:
    """``original``, watched while an attempt runs."""

    def intercepted(*args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is None and not outside:
            if in_caller:
                return in_namespace_of(sys._getframe(1), original, args, kwargs)  # noqa: SLF001
            return original(*args, **kwargs)
        seen = None if attempt is None else watch.before(attempt, original, args, kwargs)
        try:
            if in_caller:
                result = in_namespace_of(sys._getframe(1), original, args, kwargs)  # noqa: SLF001
            else:
                result = original(*args, **kwargs)
        except BaseException:
            if seen is not None:
                watch.failed(seen)
            raise
        if attempt is None:
            watch.outside(original, args, kwargs, result)
        elif seen is not None:
            watch.after(attempt, seen, result)
        return result

    return intercepted


def watching_async(original: Callable[..., Awaitable[Any]], watch: Watch) -> Callable[..., Awaitable[Any]]:
    """The same for what is awaited."""

    async def intercepted(*args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is None:
            return await original(*args, **kwargs)
        seen = watch.before(attempt, original, args, kwargs)
        try:
            result = await original(*args, **kwargs)
        except BaseException:
            if seen is not None:
                watch.failed(seen)
            raise
        if seen is not None:
            watch.after(attempt, seen, result)
        return result

    return intercepted


_CALLED = "__prefect_lineage_called__"


@functools.lru_cache(maxsize=1024)
def _calling(filename: str) -> CodeType:
    return compile(f"{_CALLED}()", filename, "eval")


def in_namespace_of(
    caller: FrameType, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call ``function`` so that the frame it is called from has the names of ``caller``.

    duckdb takes ``my_df`` in ``select * from my_df`` out of the frame that called it.
    """
    names = {**caller.f_locals, _CALLED: functools.partial(function, *args, **kwargs)}
    return eval(_calling(__file__), caller.f_globals, names)  # noqa: S307 - our own three words
