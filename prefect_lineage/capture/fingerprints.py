"""The fingerprint of a file: what lets one skip its hashing, and notice that it changed."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

__all__ = ["Fingerprint", "fingerprint"]


class Fingerprint(NamedTuple):
    """Equal fingerprints, equal content. Without ctime a restored mtime goes unnoticed."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


def fingerprint(target: str | int) -> Fingerprint | None:
    """The fingerprint of a regular file (a path or a descriptor); None for all else."""
    try:
        found = os.stat(target)  # noqa: PTH116 - descriptors too, and no Path object in a hot path
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Fingerprint(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
