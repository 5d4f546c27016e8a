"""Renames, followed through what an attempt did: one rule of the fold, and the longest."""

from __future__ import annotations

from msgspec.structs import replace

from prefect_lineage.capture.attempt import Access
from prefect_lineage.capture.members import with_parents

__all__ = ["with_renames_followed"]


def with_renames_followed(accesses: list[Access]) -> list[Access]:
    """Writing a temporary name and renaming it is one write of the final name.

    Renaming something that was there before the attempt is an input of the old place and an output of
    the new one. What was read before the first write was read at the old place, and stays there.
    """
    if not any(access.operation == "rename" for access in accesses):
        return accesses
    followed = _Followed()
    for access in accesses:
        if access.operation == "rename" and access.origin is not None:
            followed.rename(access, access.origin)
        else:
            followed.add(access)
    return followed.accesses


class _Followed:
    """Accesses in order, found by place: a rename must not look at all that went before it."""

    def __init__(self) -> None:
        self.accesses: list[Access] = []
        self._below: dict[str, set[int]] = {}

    def add(self, access: Access) -> None:
        self._index(len(self.accesses), access.target)
        self.accesses.append(access)

    def _index(self, position: int, target: str) -> None:
        for place in with_parents(target):
            self._below.setdefault(place, set()).add(position)

    def rename(self, rename: Access, origin: str) -> None:
        positions = sorted(self._below.get(origin, ()))
        for position in positions:
            self.accesses[position] = _settled(self.accesses[position], rename)
        moving = self._written(positions)
        for position in moving:
            old = self.accesses[position]
            for place in with_parents(old.target):
                self._below[place].discard(position)
            self.accesses[position] = moved = _moved(old, rename)
            self._index(position, moved.target)
        if not moving:
            for access in _as_copy(rename, origin):
                self.add(access)

    def _written(self, positions: list[int]) -> list[int]:
        """The accesses of what the attempt made there: those from each place's first write on."""
        made: dict[str, list[int]] = {}
        for position in positions:
            access = self.accesses[position]
            if access.operation == "delete":
                made.pop(access.target, None)  # what is renamed is not what was deleted before
            elif access.writes or access.target in made:
                made.setdefault(access.target, []).append(position)
        return [position for found in made.values() for position in found]


def _settled(old: Access, rename: Access) -> Access:
    """A read of the old name has the content that the rename found: there will be no other chance to see it."""
    same = old.target == rename.origin and old.known is not None and old.known == rename.known
    if old.operation != "read" or old.before is not None or not same:
        return old
    return replace(old, before=rename.before)


def _moved(old: Access, rename: Access) -> Access:
    assert rename.origin is not None  # noqa: S101 - for the type checker
    return replace(old, target=rename.target + old.target[len(rename.origin) :], existed=rename.existed)


def _as_copy(rename: Access, origin: str) -> list[Access]:
    read = replace(rename, operation="read", target=origin, origin=None, existed=True)
    gone = replace(rename, operation="delete", target=origin, origin=None, existed=True, before=None)
    return [read, replace(rename, operation="write", before=None), gone]
