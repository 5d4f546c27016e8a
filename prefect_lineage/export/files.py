"""Files appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from prefect_lineage.errors import MapError

__all__ = ["write_whole"]


def write_whole(path: Path, text: str) -> Path:
    """Write UTF-8 text under a temporary name beside ``path``, then rename it; the absolute path.

    Raises:
        MapError: the directory is missing or cannot be written, or ``path`` is a directory.
    """
    target = path.expanduser().absolute()
    try:
        if target.is_dir():
            raise MapError(f"{target} is a directory; name the file to write the map to.")
        if not target.parent.is_dir():
            raise MapError(
                f"The directory {target.parent} does not exist; create it or write the map elsewhere."
            )
        _write(target, text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MapError(f"The map cannot be written to {target}: {reason}; choose another place.") from error
    return target


def _write(target: Path, text: str) -> None:
    temporary = target.with_name(f".{target.name[:60]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, target)  # noqa: PTH105 - the word that says what it does
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
