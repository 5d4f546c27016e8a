"""The fingerprint of a file: what lets one skip its hashing, and notice that it changed."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["LINK", "TYPE", "Fingerprint", "fingerprint", "fingerprint_of"]


class Fingerprint(NamedTuple):
    """Equal fingerprints, equal content. Without ctime a restored mtime goes unnoticed."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


TYPE, LINK, _REGULAR = 0o170000, 0o120000, 0o100000
"""Of a mode: the bits that tell the type, and two types. ``stat.S_ISREG`` and the like are one call more."""

_new = tuple.__new__


def fingerprint(target: str | int) -> Fingerprint | None:
    """The fingerprint of a regular file (a path or a descriptor); None for all else."""
    try:
        found = os.stat(target)  # noqa: PTH116 - descriptors too, and no Path object in a hot path
    except (OSError, ValueError):
        return None
    return fingerprint_of(found)


def fingerprint_of(found: os.stat_result) -> Fingerprint | None:
    """The same, of what the system has said of it."""
    if found.st_mode & TYPE != _REGULAR:
        return None
    return _new(
        Fingerprint, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    )
