"""Which attempt is running here: one context variable, ours alone.

``None`` means that nothing is recorded: outside any run, and around our own work, so that capture
never records itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_lineage.capture.attempt import Attempt

__all__ = ["current", "paused"]

current: ContextVar[Attempt | None] = ContextVar("prefect_lineage_attempt", default=None)


@contextmanager
def paused() -> Iterator[Attempt | None]:
    """Record nothing in this block; gives the attempt that was running."""
    attempt = current.get()
    token = current.set(None)
    try:
        yield attempt
    finally:
        current.reset(token)
