"""Whose memory a value lies in: a frame that a flow has renamed, sliced or copied lightly is not the one returned,
but its columns are. What owns the memory of a value is told by plugins.

Only what is beyond doubt is told: all the memory of a value, and of one returned value alone, or of the only one
that could be meant.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_lineage.capture.values import Returned

__all__ = ["Memory"]

_MAX_OWNERS = 100
"""Of a value with more pieces of memory only so many are looked at."""

_MAX_SHARERS = 16
"""A piece of memory that more returned values share says nothing."""


class Memory:
    """The pieces of memory of returned values, each for as long as it lives."""

    def __init__(self) -> None:
        self._sharers: dict[int, tuple[weakref.ref[Any], list[Returned]]] = {}
        self._pieces: weakref.WeakKeyDictionary[Returned, frozenset[int]] = weakref.WeakKeyDictionary()
        self._lock = RLock()

    def put(self, owners: Iterable[tuple[object, bool]], returned: Returned) -> None:
        """These own the memory of what was returned; it takes all of those of which that is said."""
        pieces = []
        with self._lock:
            for (owner, is_whole), _ in zip(owners, range(_MAX_OWNERS), strict=False):
                if not is_whole:
                    continue
                sharers = self._known(owner)
                if sharers is None:
                    sharers = self._new(owner)
                if sharers is not None and len(sharers) <= _MAX_SHARERS:
                    sharers.append(returned)
                    pieces.append(id(owner))
            self._pieces[returned] = frozenset(pieces)

    def find(
        self, owners: Iterable[tuple[object, bool]], is_content: Callable[[Returned], bool]
    ) -> Returned | None:
        """The returned value that another value with this memory comes from; None if that is not certain.

        Args:
            is_content: whether the other value has the content of a returned one; asked where several have its memory.
        """
        if not self._sharers:
            return None
        with self._lock:
            found = [owner for (owner, _), _ in zip(owners, range(_MAX_OWNERS), strict=False)]
            pieces = frozenset(map(id, found))
            told = {id(one): one for owner in found for one in self._known(owner) or ()}
            alike = [one for one in told.values() if self._pieces.get(one) == pieces]
        if len({one.run for one in alike}) > 1:
            alike = [one for one in alike if is_content(one)]
        if alike:
            return alike[-1]  # as with one object that several returned
        return next(iter(told.values())) if len(told) == 1 else None

    def _known(self, owner: object) -> list[Returned] | None:
        found = self._sharers.get(id(owner))
        return found[1] if found is not None and found[0]() is owner else None

    def _new(self, owner: object) -> list[Returned] | None:
        key = id(owner)
        try:
            reference = weakref.ref(owner, lambda _: self._sharers.pop(key, None))
        except TypeError:
            return None
        sharers: list[Returned] = []
        self._sharers[key] = (reference, sharers)
        return sharers
