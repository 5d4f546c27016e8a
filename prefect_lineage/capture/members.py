"""Directories that are one thing, and what is done to their members.

A partitioned dataset, a store of arrays, a saved model: an adapter has claimed the directory, and what happens below
it belongs to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from prefect_lineage.capture.attempt import Access, Operation

__all__ = ["Whole", "Wholes", "with_members_gathered", "with_parents", "with_parts_gathered"]

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Whole:
    """A directory that is one thing: a partitioned dataset, a store of arrays, a saved model."""

    type: str | None = None
    format: str | None = None


class Wholes(dict[str, Whole]):
    """Those that this process has seen, by their paths."""

    def remember(self, access: Access) -> None:
        """A directory that an adapter has read or written as one thing: what is done to its parts is done to it."""
        if access.own and (access.members or access.format) and os.path.isdir(access.target):  # noqa: PTH112
            self[access.target] = Whole(access.type, access.format)
            while len(self) > _REMEMBERED:
                self.pop(next(iter(self)))


def with_parents(target: str) -> set[str]:
    """The place and all that it lies in."""
    parents = {target}
    while "/" in target:
        target = target.rpartition("/")[0]
        parents.add(target)
    return parents


def with_parts_gathered(
    accesses: list[Access], wholes: Mapping[str, Whole], exists: Callable[[str], bool]
) -> list[Access]:
    """Reading or writing a part of what another attempt has made as one directory is done to that directory.

    Where the attempt does both, what it read is not what is there now: then reads stay those of the parts.
    """
    if not wholes:
        return accesses
    around = {access.target: _whole_around(access.target, wholes, exists) for access in accesses}
    written = {around[access.target] for access in accesses if access.writes}

    def part(access: Access) -> bool:
        whole = around[access.target]
        if whole is None or access.operation in {"delete", "rename"}:
            return False
        return access.writes or whole not in written

    return [
        _as_part(access, str(around[access.target]), wholes[str(around[access.target])])
        if part(access)
        else access
        for access in accesses
    ]


def _whole_around(target: str, wholes: Mapping[str, Whole], exists: Callable[[str], bool]) -> str | None:
    found = [place for place in with_parents(target) if place in wholes and place != target and exists(place)]
    return max(found, key=len, default=None)


def _as_part(access: Access, place: str, whole: Whole) -> Access:
    operation: Operation = "write" if access.writes else "read"
    moved = replace(
        access, operation=operation, target=place, existed=True, type=whole.type, format=whole.format
    )
    return replace(moved, known=None, before=None, handle=None, rows=None, schema=(), version=None)


def with_members_gathered(accesses: list[Access]) -> list[Access]:
    """What happened below a directory that an adapter claimed with its members is done to the directory."""
    wholes: dict[str, Access] = {}
    for access in accesses:
        if access.members:
            wholes[access.target] = access
    if not wholes:
        return accesses
    return [_gathered(access, wholes) for access in accesses]


def _gathered(access: Access, wholes: Mapping[str, Access]) -> Access:
    around = [place for place in with_parents(access.target) if place in wholes and place != access.target]
    if not around:
        return access
    whole = wholes[max(around, key=len)]
    operation: Operation = "write" if access.writes else "read"
    moved = replace(access, operation=operation, target=whole.target, existed=whole.existed)
    moved = replace(moved, own=whole.own, via=whole.via, type=whole.type, format=whole.format)
    return replace(moved, known=None, before=None, rows=None, schema=(), version=None)
