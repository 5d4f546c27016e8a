"""From what an attempt was seen to touch to the edges of its record: which place, and which content of it."""

from __future__ import annotations

import hashlib
import os

from msgspec.structs import replace

from prefect_lineage.capture.attempt import Access, Attempt
from prefect_lineage.capture.digests import Digester, unhashed
from prefect_lineage.capture.fingerprints import Fingerprint, fingerprint
from prefect_lineage.capture.fold import Touch
from prefect_lineage.capture.guard import guarded
from prefect_lineage.capture.identity import Identity, local_path
from prefect_lineage.capture.postponing import Postponing
from prefect_lineage.capture.redact import HIDDEN, Redactor
from prefect_lineage.model.records import Content, EdgeRecord, Location

__all__ = ["Observing"]


class Observing:
    """Makes edges of touches, when their attempt ends.

    Args:
        identity: tells which place is which artifact.
        redactor: takes secrets out of what is written down.
        digester: hashes what is small.
        postponing: keeps the rest for later.
    """

    def __init__(
        self, identity: Identity, redactor: Redactor, digester: Digester, postponing: Postponing
    ) -> None:
        self._identity = identity
        self._redactor = redactor
        self._digester = digester
        self._postponing = postponing

    @guarded  # one place that cannot be understood must not cost the attempt its other edges
    def edge(self, attempt: Attempt, touch: Touch, *, completed: bool) -> EdgeRecord | None:
        """The edge of one touch; None where nothing can be told of the content, or it is gone."""
        access = touch.access
        content = self._content(attempt, touch)
        if content is None:
            return None
        location = self.location(touch.target, real=True)
        named = attempt.names.get(location.uri) if attempt.names else None
        return EdgeRecord(
            location=location,
            content=content,
            direction=touch.direction,
            how="inferred" if access.inferred else "observed",
            via=access.via,
            type=(named.type if named else None) or access.type or _guessed_type(touch, content),
            typed=bool(named and named.typed),
            name=named.name if named else None,
            times=touch.times,
            at=access.at,
            ended=touch.ended,
            partial=touch.direction == "output" and not completed,
            metadata=self._redactor.data(dict(access.metadata)) if access.metadata else {},
        )

    def _content(self, attempt: Attempt, touch: Touch) -> Content | None:
        access = touch.access
        path = touch.target if touch.target[:1] == "/" else local_path(touch.target)
        if access.version is not None:
            content: Content | None = Content(
                f"version:{self._redactor.text(access.version)}", covers="version"
            )
        else:
            content = self._remote(attempt, touch) if path is None else self._local(attempt, touch, path)
        if content is None:
            return None
        kind = access.format or content.format or _format(touch.target)
        return Content(
            content.digest, content.covers, content.size, kind, access.rows, access.schema, content.raced
        )

    def _local(self, attempt: Attempt, touch: Touch, path: str) -> Content | None:
        access = touch.access
        if access.before is not None:
            return access.before
        found = touch.found or fingerprint(path)
        if touch.direction == "output":
            content = self._now_or_later(attempt, access, path, found)
            handle = access.handle() if access.handle is not None else None
            if content is not None and handle is not None and not getattr(handle, "closed", True):
                return replace(content, raced=True)  # still open: more may come
            return content
        if access.known is not None and found != access.known:
            return unhashed(attempt.run, path, access.known.size, raced=True)
        # what was read and is gone is an input all the same; its content cannot be told any more
        content = self._now_or_later(attempt, access, path, found)
        return content or unhashed(attempt.run, path, raced=True)

    def _now_or_later(
        self, attempt: Attempt, access: Access, path: str, known: Fingerprint | None
    ) -> Content | None:
        """The content of a file that has this fingerprint, or of what is no file."""
        content = self._digester.recalled(known) if known is not None else None
        if content is None and attempt.large is not None:
            content = self._postponing.consider(attempt.large, path, known, access.via)
        if content is not None:
            return content
        if known is None:
            return self._digester.of_file(path, attempt.run)
        return self._digester.of_new_file(path, attempt.run, known)

    @staticmethod
    def _remote(attempt: Attempt, touch: Touch) -> Content:
        if touch.direction == "output":
            return unhashed(attempt.run, touch.target)
        return Content(
            digest="unknown:", covers="none"
        )  # one version: that of which nobody knows the content

    def location(self, target: str, *, real: bool = False) -> Location:
        """The identity of a path or URI, without secrets; ``real``: it is known to be a real path."""
        found = self._identity.of(target, real=real)
        if target[:1] == "/" and found.uri[7:] == found.key and self._redactor.leaves(found.key):
            return found  # nearly every local path
        scrub = self._redactor.text if local_path(target) is None else self._redactor.path
        key, uri = scrub(found.key), scrub(found.uri)
        if key == HIDDEN:  # hidden whole, by a pattern or for a broken plugin: other places stay other places
            key = uri = f"{HIDDEN}-{hashlib.blake2b(found.key.encode(), digest_size=6).hexdigest()}"
        return Location(found.namespace, key, uri)


_BEFORE_NO_SUFFIX = ("", "/", ".")
"""Where a name begins with dots, what comes after them is no suffix."""


def _guessed_type(touch: Touch, content: Content) -> str:
    if content.covers == "all" and touch.access.format is None and content.format != "directory":
        return "file"  # it was hashed as one
    return "directory" if os.path.isdir(touch.target) else "file"  # noqa: PTH112 - a URI is no Path


def _format(target: str) -> str | None:
    """What the name of a place ends with, as ``os.path.splitext`` has it."""
    head, _, suffix = target.rpartition(".")
    if head[-1:] not in _BEFORE_NO_SUFFIX and suffix and "/" not in suffix:  # mostly
        return suffix.lower()
    return os.path.splitext(target.rstrip("/"))[1].lstrip(".").lower() or None  # noqa: PTH122 - no Path for every file
