"""Finding a file by what is in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from blake3 import blake3

__all__ = ["digests_of"]

_CHUNK = 1 << 20


def digests_of(path: Path) -> list[str]:
    """A file's content in both digests that versions may have, read once.

    Raises:
        OSError: the file cannot be read.
    """
    blake, sha = blake3(), hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            blake.update(chunk)
            sha.update(chunk)
    return [f"blake3:{blake.hexdigest()}", f"sha256:{sha.hexdigest()}"]
