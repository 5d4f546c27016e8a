"""References: how people and scripts name a version or a run.

    name                        the latest version of an artifact
    name:v3  name:best          a version by number, by alias
    name@9f3a                   a version by the start of its digest
    data/x.csv  s3://b/k:v3     a path or a URI, with the same endings
    run:<uuid, its start, or a name>

Names may hold spaces, slashes and colons, so an ending counts only where it cannot be part of a path:
after the last separator, spelt like a number (``v3``), an alias or a digest. A port (``host:5432``), a
drive (``C:\\x``) and a scheme (``s3:``) are none. A text that is itself the name of an artifact is
taken whole by the store, whatever it looks like; :attr:`Reference.text` keeps it for that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from prefect_lineage.errors import ReferenceInvalid

__all__ = ["Reference", "checked_alias", "checked_name"]

_RUN = "run:"
_NUMBER = re.compile(r"v(\d{1,9})\Z", re.ASCII)
_ALIAS = re.compile(r"(?!\d+\Z)[^\s:/\\@]+\Z")
_DIGEST = re.compile(r"(?:[a-z][a-z0-9]*:)?[0-9a-f]+\Z", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, taken apart. At most one of ``number``, ``alias`` and ``digest`` is set.

    Attributes:
        text: the reference as it was written.
        target: the name, path or URI without its ending; for a run what follows ``run:``.
        is_run: it names a run.
        number: of a version, from 0.
        alias: a movable name of a version.
        digest: the start of a version's digest in lower case, with or without ``blake3:`` before it.
    """

    text: str
    target: str
    is_run: bool = False
    number: int | None = None
    alias: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def ending(self) -> str:
        """What was written after the target: ``:v3``, ``:best``, ``@9f3a`` or nothing."""
        return "" if self.is_run else self.text[len(self.target) :]

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Take a reference apart.

        Raises:
            ReferenceInvalid: it is empty, has an unprintable character, or lacks a name or an ending.
        """
        _refuse_unusable(text)
        if text.startswith(_RUN):
            return _run(text)
        return _by_digest(text) or _by_colon(text) or cls(text, text)


def _run(text: str) -> Reference:
    target = text[len(_RUN) :].strip()
    if not target:
        raise ReferenceInvalid(
            "The reference 'run:' names no run: write a UUID, its beginning or a name after the colon.",
            reference=text,
        )
    return Reference(text, target, is_run=True)


def _by_digest(text: str) -> Reference | None:
    target, at, digest = text.rpartition("@")
    if not at:
        return None
    if digest and not _DIGEST.match(digest):
        return None  # an address in a URI, a name with an @ in it
    _refuse_halves(text, target, digest, "the beginning of a digest after the @")
    return Reference(text, target, digest=digest.lower())


def _by_colon(text: str) -> Reference | None:
    target, colon, ending = text.rpartition(":")
    if not colon:
        return None
    if ending and not _ALIAS.match(ending):
        return None  # a port, or the colon stands before the last separator
    _refuse_halves(text, target, ending, "a version such as v3 or an alias after the colon")
    number = _NUMBER.match(ending)
    if number:
        return Reference(text, target, number=int(number[1]))
    return Reference(text, target, alias=ending)


def _refuse_unusable(text: str) -> None:
    if not text.strip():
        raise ReferenceInvalid(
            "The reference is empty: write a name, a path, a URI or run:<id>.", reference=text
        )
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise ReferenceInvalid(
            f"The reference {text!r} holds a control character: write a name, a path, a URI or run:<id>.",
            reference=text,
        )


def _refuse_halves(text: str, target: str, ending: str, wanted: str) -> None:
    if not target.strip():
        raise ReferenceInvalid(
            f"The reference {text!r} lacks a name before {text[len(target)]!r}: write name{text[len(target) :]}.",
            reference=text,
        )
    if not ending:
        raise ReferenceInvalid(f"The reference {text!r} lacks {wanted}.", reference=text)


def checked_name(name: str) -> str:
    """A name as a user may give it to an artifact: one that a reference can find again.

    Raises:
        ReferenceInvalid: it is empty, has blanks at its ends, or reads like the reference of a run.
    """
    _refuse_unusable(name)
    if name != name.strip() or name.startswith(_RUN):
        raise ReferenceInvalid(
            f"{name!r} cannot name an artifact: no blanks at its ends, and not 'run:' before it.",
            reference=name,
        )
    return name


def checked_alias(alias: str) -> str:
    """A movable name as a user may give it to a version.

    Raises:
        ReferenceInvalid: a reference could not find it: it is empty, reads like a number or holds ``: / @``.
    """
    if not _ALIAS.match(alias) or _NUMBER.match(alias):
        raise ReferenceInvalid(
            f"{alias!r} cannot be an alias: write a word without blanks, ':', '/' or '@' that is no version"
            " number such as v3.",
            reference=alias,
        )
    return alias
