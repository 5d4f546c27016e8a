"""Which attempt is running here: one context variable, ours alone.

``None`` means that nothing is recorded: outside any run, and around our own work, so that capture
never records itself.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_lineage.capture.attempt import Attempt

__all__ = ["current", "paused"]

current: ContextVar[Attempt | None] = ContextVar("prefect_lineage_attempt", default=None)


class paused:  # noqa: N801 - used as a block
    """Record nothing in this block; gives the attempt that was running. A class, for it is entered for every record."""

    __slots__ = ("_token",)

    def __enter__(self) -> Attempt | None:
        attempt = current.get()
        self._token = current.set(None)
        return attempt

    def __exit__(self, *exception: object) -> None:
        current.reset(self._token)
