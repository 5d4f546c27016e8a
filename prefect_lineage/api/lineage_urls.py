"""Where a store is, as a user may write it."""

from __future__ import annotations

from pathlib import Path

from prefect_lineage.errors import LineageError
from prefect_lineage.settings import load

__all__ = ["store_url"]

_SQLITE = "sqlite:///"


def store_url(store: str | Path | None = None) -> str:
    """The URL of a store that is given as a URL, as a SQLite file, or not at all (then the settings have it).

    A relative path is taken from the working directory of now, for it may be another when the store is opened.

    Raises:
        LineageError: the text is empty.
    """
    if store is None:
        return load().url
    text = str(store)
    if not text.strip():
        raise LineageError("The store is an empty text, but must be a SQLAlchemy URL or a SQLite file.")
    path = text.removeprefix(_SQLITE)
    if "://" in path or path in {"", ":memory:"}:
        return text
    return f"{_SQLITE}{Path(path).expanduser().absolute()}"
