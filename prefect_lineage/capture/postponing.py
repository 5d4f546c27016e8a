"""Records of attempts that touched much data: their digests are computed after the attempt, off its thread.

What is known at once goes to the journal at once. If the process is killed before the digests are known,
``sync`` finishes such a record: where the file is there and is the same, with its digest, else without.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from prefect_lineage.capture.attempt_edges import with_unchanged
from prefect_lineage.capture.context import paused
from prefect_lineage.capture.digests import Digester, by_its_times, unhashed
from prefect_lineage.capture.fingerprints import Fingerprint
from prefect_lineage.capture.hashing import Hashing
from prefect_lineage.capture.seen import Seen, see
from prefect_lineage.model.records import Content, EdgeRecord, Record
from prefect_lineage.store.journal import warn_once
from prefect_lineage.store.lines import Postponed

__all__ = ["Large", "Postponing", "finisher"]

INLINE_BYTES = 4 << 20
"""What an attempt hashes before it ends: about two milliseconds."""

INLINE_FILES = 200

Tell = Callable[[list[EdgeRecord]], Record]
"""Makes the record of an attempt of the edges that were observed."""


class Large(Struct, eq=False):
    """What one attempt leaves to be hashed later.

    Attributes:
        spent: bytes and files that it hashes itself.
        seen: the rest, by the digest that stands in its place.
    """

    spent: tuple[int, int] = (0, 0)
    seen: dict[str, Seen] = field(default_factory=dict)

    def has_room(self, size: int, files: int = 1) -> bool:
        """Whether so much more can be hashed at once; if so, it counts."""
        size, files = self.spent[0] + size, self.spent[1] + files
        if size > INLINE_BYTES or files > INLINE_FILES:
            return False
        self.spent = size, files
        return True

    def release(self) -> None:
        """Let go of all files."""
        for seen in self.seen.values():
            seen.release()


class Postponing:
    """Decides what is hashed later, and does it.

    Args:
        keep: called with what is known at once.
        settle: called with its key and the complete record.
    """

    def __init__(
        self,
        digester: Digester,
        keep: Callable[[Postponed], None],
        settle: Callable[[str, Record], None],
    ) -> None:
        self.hashing = Hashing()
        self._digester = digester
        self._keep = keep
        self._settle = settle

    def consider(self, large: Large, path: str, known: Fingerprint | None, via: str) -> Content | None:
        """What stands for the content of a file or directory until it is hashed; None if that is quick.

        Args:
            known: the fingerprint that it has now, if it is a file, by which its content is not known.
        """
        if self._is_quick(large, path, known):
            return None
        token = f"postponed:{len(large.seen)}"
        large.seen[token] = see(path, known, via)
        return Content(token, covers="none", size=known.size if known is not None else None)

    def _is_quick(self, large: Large, path: str, known: Fingerprint | None) -> bool:
        if known is None:
            unknown = self._digester.unknown(path, INLINE_BYTES, INLINE_FILES)
            return unknown is not None and large.has_room(*unknown)
        return known.size > self._digester.limit or large.has_room(known.size)

    def postpone(self, run: str, large: Large, edges: list[EdgeRecord], tell: Tell) -> None:
        """Journal what is known, and see to the rest."""
        key = str(uuid.uuid4())
        try:
            contents = {token: self._provisional(seen, run) for token, seen in large.seen.items()}
            record = tell(_with_contents(edges, contents))
            missing = [
                _missing(place, large.seen[edge.content.digest])
                for place, edge in enumerate(edges[: len(record.edges)])
                if edge.content.digest in large.seen
            ]
            self._keep(Postponed(key, record, tuple(missing)))
        except BaseException:
            large.release()
            raise
        self.hashing.put(lambda: self._finish(key, record, large, edges, tell))

    def _finish(self, key: str, known: Record, large: Large, edges: list[EdgeRecord], tell: Tell) -> None:
        record = known
        try:
            run = known.run.id
            contents = {token: self._digester.of_seen(seen, run) for token, seen in large.seen.items()}
            record = tell(_with_contents(edges, contents))
        finally:
            large.release()
            self._settle(key, record)

    def _provisional(self, seen: Seen, run: str) -> Content:
        if seen.known is not None:
            return by_its_times(seen.known)
        return unhashed(run, seen.path)


def _with_contents(edges: Sequence[EdgeRecord], contents: Mapping[str, Content]) -> list[EdgeRecord]:
    return [
        replace(edge, content=_joined(edge.content, contents[edge.content.digest]))
        if edge.content.digest in contents
        else edge
        for edge in edges
    ]


def _joined(described: Content, found: Content) -> Content:
    """What was found, as it was described before."""
    return replace(
        found,
        format=described.format or found.format,
        rows=described.rows,
        schema=described.schema,
        raced=described.raced or found.raced,
    )


# -- by ``sync``, for a process that was killed -----------------------------------------------------


def _missing(edge: int, seen: Seen) -> dict[str, Any]:
    # The path is as private as the journal: it does not go on into a store.
    path = seen.path.encode("utf-8", "surrogateescape").hex()
    return {"edge": edge, "path": path, "known": seen.known and list(seen.known), "host": os.uname().nodename}


def finisher(digester: Digester) -> Callable[[Postponed], Record]:
    """Makes records of postponed ones: with digests, where the files are there as they were."""

    def finish(postponed: Postponed) -> Record:
        edges = list(postponed.record.edges)
        for one in postponed.missing:
            try:
                place, found = int(one["edge"]), _found(digester, one, postponed.record.run.id)
                if found is not None:
                    edges[place] = replace(edges[place], content=_joined(edges[place].content, found))
            except (KeyError, IndexError, TypeError, ValueError) as error:  # a journal is not to be trusted
                warn_once("missing", f"A journal does not tell a file as it should: {error!r}.")
        return replace(postponed.record, edges=tuple(with_unchanged(edges, ())))

    return finish


def _found(digester: Digester, missing: Mapping[str, Any], run: str) -> Content | None:
    if missing["host"] != os.uname().nodename or missing["known"] is None:
        return None
    path = bytes.fromhex(missing["path"]).decode("utf-8", "surrogateescape")
    with paused():
        seen = see(path, Fingerprint(*missing["known"]), "")
        try:
            found = digester.of_seen(seen, run)
        finally:
            seen.release()
    return found if found.covers == "all" else None
