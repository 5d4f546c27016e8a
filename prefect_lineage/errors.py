"""Everything this package raises on purpose.

    LineageError
    ├── SettingsError          a setting is unknown or malformed
    ├── StoreError             the store cannot be used
    │   ├── StoreMissing       there is no store where the URL points
    │   ├── StoreForeign       a database or file that is not a lineage store
    │   └── StoreNewer         written by a newer release of this package
    ├── ReferenceFailure        a reference could not be followed
    │   ├── ReferenceInvalid   it is not spelt like a reference
    │   ├── ReferenceUnknown   nothing recorded answers to it
    │   └── ReferenceAmbiguous several things answer to it
    ├── NoRunError             a declaration was made outside any run
    └── MapError               a map could not be made

A message says what happened, to which object, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "LineageError",
    "MapError",
    "NoRunError",
    "ReferenceAmbiguous",
    "ReferenceFailure",
    "ReferenceInvalid",
    "ReferenceUnknown",
    "SettingsError",
    "StoreError",
    "StoreForeign",
    "StoreMissing",
    "StoreNewer",
]


class LineageError(Exception):
    """The root of the tree; the message is one sentence fit for a terminal."""


class SettingsError(LineageError):
    """A setting is unknown or malformed."""


class StoreError(LineageError):
    """The store cannot be opened, read or written."""


class StoreMissing(StoreError):
    """There is no store at the URL."""


class StoreForeign(StoreError):
    """The URL points at something that is not a lineage store."""


class StoreNewer(StoreError):
    """The store was written by a newer release of this package."""


class ReferenceFailure(LineageError):
    """A reference could not be followed.

    Attributes:
        reference: what was asked for, as it was written.
        candidates: the nearest names that do exist, best first.
    """

    def __init__(self, message: str, *, reference: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reference = reference
        self.candidates = tuple(candidates)


class ReferenceInvalid(ReferenceFailure):
    """The text is not spelt like a reference."""


class ReferenceUnknown(ReferenceFailure):
    """Nothing recorded answers to the reference."""


class ReferenceAmbiguous(ReferenceFailure):
    """Several things answer to the reference."""


class NoRunError(LineageError):
    """A declaration needs a run and there is none."""


class MapError(LineageError):
    """A map could not be made."""
