"""The fold: from what an attempt did to what it read and wrote. Each rule is one function.

A rule takes accesses in the order in which they happened and gives fewer, or plainer, ones. None
guesses: an access that no rule understands stays what it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from prefect_lineage.capture.attempt import Access
from prefect_lineage.capture.fingerprints import Fingerprint, fingerprint
from prefect_lineage.capture.identity import local_path
from prefect_lineage.capture.members import Whole, with_members_gathered, with_parents, with_parts_gathered
from prefect_lineage.capture.places import Places
from prefect_lineage.capture.renames import with_renames_followed
from prefect_lineage.capture.shared_opens import logs_of

__all__ = ["Touch", "deleted", "fold"]


class Touch(Struct):
    """A place that was read or written, and how: what becomes an edge.

    Attributes:
        target: a real path, or a URI.
        times: how often.
        access: the first access; the last one for an output, for that is whose content remains.
        ended: microseconds since the epoch, of the last access.
        found: the fingerprint of the file at the end of the attempt, where it was looked at already.
    """

    target: str
    direction: Literal["input", "output"]
    times: int
    access: Access
    ended: int
    found: Fingerprint | None = None


IsNoise = Callable[[str, bool], bool]
Exists = Callable[[str], bool]


def fold(
    accesses: Sequence[Access],
    is_noise: IsNoise,
    exists: Exists | None = None,
    nested: Mapping[int, int] | None = None,
    wholes: Mapping[str, Whole] | None = None,
) -> list[Touch]:
    """Apply every rule to the accesses of one attempt; a rule about operations that are not among them says nothing.

    Args:
        is_noise: whether a path is no data of the user's, given the path and whether it was written.
        exists: whether a local path is there now, at the end of the attempt; unless told, the disk is asked.
        nested: the claim around a claim, where it is no access that says so.
        wholes: directories that earlier attempts have read or written as one thing.
    """
    places = Places()
    exists = exists or places.exists
    found = with_real_paths(accesses, places)
    operations = {access.operation for access in found}
    if "open" in operations:
        found = with_opens_decided(found)
        operations = {access.operation for access in found}
    found = without_claimed(without_noise(found, is_noise), nested or {})
    if wholes:
        found = with_parts_gathered(found, wholes, exists)
    if operations & {"append", "update"}:
        found = with_updates_split(found)
    if "rename" in operations:
        found = with_renames_followed(found)
    found = with_members_gathered(found)
    if operations != {"read"}:
        found = without_scratch(without_own_outputs(found), exists)
    return counted(found, places.known)


def deleted(accesses: Sequence[Access], exists: Exists = os.path.lexists) -> list[Access]:
    """The last removals of what had been there before the attempt, by deletion or by renaming."""
    if not {access.operation for access in accesses} & {"delete", "rename"}:
        return []
    gone: dict[str, Access] = {}
    made: set[str] = set()
    for access in with_real_paths(accesses, Places()):
        place = access.origin if access.operation == "rename" else access.target
        if (
            access.operation in {"delete", "rename"}
            and place
            and place not in made
            and access.before is not None
        ):
            gone[place] = replace(access, target=place)
        if access.operation not in {"delete", "read"} and not access.existed:
            made.add(access.target)
    return [access for place, access in gone.items() if not exists(place)]


def with_real_paths(accesses: Sequence[Access], places: Places) -> list[Access]:
    """One spelling for one place: symlinks, ``./`` and ``file://`` are resolved; URIs stay."""
    found = []
    for access in accesses:
        target, origin = places.real(access.target), access.origin and places.real(access.origin)
        if target != access.target or origin != access.origin:
            access = replace(access, target=target, origin=origin)
        found.append(access)
    return found


def with_opens_decided(accesses: list[Access]) -> list[Access]:
    """A database that was opened has been read; it was written too if it is another file now, and this attempt may have
    changed it. Where others may have just as well, that it did is inferred.

    So with the files that another program was told the names of; but what this attempt itself has written proves
    nothing of the program, and what the program changed it need not have read.
    """
    ours = {access.target for access in accesses if access.writes and not access.inferred}
    found = []
    for access in accesses:
        found += _decided(access, ours) if access.operation == "open" else [access]
    return found


def _decided(access: Access, ours: set[str]) -> list[Access]:
    if not access.existed:
        if access.changes is False:
            return []  # another one has made it: it was not there to be read at first
        return [replace(access, operation="write", inferred=access.inferred or access.contested)]
    changed = _is_changed(access)
    read = replace(access, operation="read", before=access.before if changed or access.inferred else None)
    if not changed or access.changes is False or (access.inferred and access.target in ours):
        return [read]
    if access.contested:
        return [read, replace(access, operation="write", before=None, inferred=True)]
    return [replace(access, operation="write" if access.inferred else "update")]


def _is_changed(access: Access) -> bool:
    if fingerprint(access.target) != access.known:
        return True
    logs = filter(None, map(fingerprint, logs_of(access.target)))
    return any(log.size > 0 and log.mtime_ns // 1000 >= access.at for log in logs)


def without_noise(accesses: list[Access], is_noise: IsNoise) -> list[Access]:
    """Drop what is no data of the user's; every path is judged once."""
    judged: dict[str, bool] = {}
    for access in accesses:
        target = access.target
        if target not in judged:
            is_local = target[:1] == "/" or local_path(target) is not None
            judged[target] = is_local and is_noise(target, access.operation != "read")
    return [access for access in accesses if not judged[access.target]]


def without_claimed(accesses: list[Access], nested: Mapping[int, int]) -> list[Access]:
    """Drop what happened inside an adapter's claim and under its target: pandas -> pyarrow -> open is one."""
    claims: dict[int, list[Access]] = {}
    for access in accesses:
        if access.own:
            claims.setdefault(access.own, []).append(access)
    if not claims:
        return accesses

    def claimed(access: Access) -> bool:
        number = access.claim
        while number:
            enclosing = claims.get(number, [])
            if any(_covers(claim.target, access.target) for claim in enclosing):
                return True
            number = enclosing[0].claim if enclosing else nested.get(number, 0)
        return False

    return [access for access in accesses if not claimed(access)]


def _covers(claimed: str, target: str) -> bool:
    return target == claimed or target.startswith(claimed.rstrip("/") + "/")


def without_scratch(accesses: list[Access], exists: Exists) -> list[Access]:
    """Drop files that the attempt made and that are gone at its end, and its own deletions."""
    gone: dict[str, bool] = {}
    """Places that were written and are not there any more, and whether something was there before."""
    looked_at: set[str] = set()
    has_deleted = False
    for access in accesses:
        target = access.target
        if access.operation == "delete":
            has_deleted = True
        elif access.operation != "read" and target not in looked_at:
            looked_at.add(target)
            is_local = target[:1] == "/" or local_path(target) is not None
            if is_local and not exists(target):
                gone[target] = access.existed
    if not gone and not has_deleted:
        return accesses

    def scratch(access: Access) -> bool:
        if access.operation == "delete":
            return True
        return access.target in gone and (access.writes or not gone[access.target])

    return [access for access in accesses if not scratch(access)]


def without_own_outputs(accesses: list[Access]) -> list[Access]:
    """Reading back what the attempt wrote is no input."""
    written: set[str] = set()
    found = []
    for access in accesses:
        if access.operation != "read":
            written.add(access.target)
        elif written and not written.isdisjoint(with_parents(access.target)):
            continue
        found.append(access)
    return found


def with_updates_split(accesses: list[Access]) -> list[Access]:
    """``r+``, append and in-place updates of something that was there read it and write it."""
    found = []
    for access in accesses:
        if access.operation in {"append", "update"}:
            if access.existed:
                found.append(replace(access, operation="read"))
            access = replace(access, operation="write", before=None)
        found.append(access)
    return found


def counted(accesses: list[Access], known: Mapping[str, Fingerprint]) -> list[Touch]:
    """One touch for each place and direction, with ``times``; an adapter's words win over raw ones.

    Args:
        known: the fingerprints that some places have now.
    """
    touches: dict[tuple[str, str], Touch] = {}
    for access in accesses:
        target = access.target
        direction: Literal["input", "output"] = "output" if access.operation != "read" else "input"
        if (target, direction) not in touches:
            touches[target, direction] = Touch(
                target, direction, access.times, access, access.at, known.get(target)
            )
            continue
        touch = touches[target, direction]
        touch.times += access.times
        touch.ended = max(touch.ended, access.at)
        touch.access = _preferred(touch.access, access, direction)
    return list(touches.values())


def _preferred(first: Access, later: Access, direction: str) -> Access:
    """The access that speaks for both: the one an adapter made; else the first read, the last write."""
    if first.inferred != later.inferred:
        chosen = later if first.inferred else first
    elif bool(first.own) != bool(later.own):
        chosen = first if first.own else later
    else:
        chosen = first if direction == "input" else later
    return replace(chosen, at=first.at, before=first.before if direction == "input" else None)
