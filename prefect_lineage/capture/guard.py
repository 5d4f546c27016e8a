"""The one home of the wide ``except``: no fault of ours reaches the user's flow."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect_lineage.capture.context import current

__all__ = ["guarded", "unseen"]

log = logging.getLogger("prefect_lineage")

P = ParamSpec("P")
R = TypeVar("R")


def guarded(method: Callable[P, R]) -> Callable[P, R | None]:
    """A fault in ``method`` is logged, and the flow goes on."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            log.warning("Lineage lost a record in %s: %r", method.__name__, error, exc_info=error)
            return None

    return call


def unseen(method: Callable[P, R]) -> Callable[P, R | None]:
    """The same, and nothing that ``method`` does is recorded. One wrapper for both, for every run comes through it."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
        token = current.set(None)
        try:
            return method(*args, **kwargs)
        except Exception as error:
            log.warning("Lineage lost a record in %s: %r", method.__name__, error, exc_info=error)
            return None
        finally:
            current.reset(token)

    return call
