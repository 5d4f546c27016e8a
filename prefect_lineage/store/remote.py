"""Journals in an object store, or wherever else fsspec can read: fetched one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from prefect_lineage.errors import StoreError
from prefect_lineage.store.journal import journal_id

__all__ = ["fetched", "is_remote"]


def is_remote(place: str) -> bool:
    """Whether a place is a URL and no path of this machine."""
    scheme, found, _ = place.partition("://")
    return bool(found) and scheme.lower() not in {"", "file"}


def fetched(url: str, suffix: str, position: Callable[[str], int]) -> Iterator[Path]:
    """A copy of each journal below a URL, or of the one that it names; it exists until the next is asked for.

    Args:
        position: how far a journal is loaded; those that have nothing beyond are not fetched.

    Raises:
        StoreError: the URL cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="prefect-lineage-") as folder:
        try:
            files, root = _opened(url)
            files.invalidate_cache()  # fsspec remembers file systems, and these their listings
            for name in _names(files, root, suffix):
                copy = Path(folder) / PurePosixPath(name).name
                if files.size(name) <= position(journal_id(copy)):
                    continue
                files.get_file(name, str(copy))
                yield copy
                copy.unlink(missing_ok=True)
        except StoreError:
            raise
        except FileNotFoundError as error:
            raise StoreError(f"There is nothing at {url} to load journals from.") from error
        except Exception as error:
            words = (str(error).strip() or type(error).__name__).partition("\n")[0].rstrip(".")
            raise StoreError(f"The journals at {url} cannot be read: {words}.") from error


def _opened(url: str) -> tuple[Any, str]:
    import fsspec  # comes with Prefect

    try:
        files, root = fsspec.core.url_to_fs(url)
    except ImportError as error:  # its message names the package to install
        raise StoreError(f"{url} cannot be read with what is installed: {str(error).rstrip('.')}.") from error
    except ValueError as error:
        raise StoreError(f"{url} cannot be read: {str(error).rstrip('.')}.") from error
    return files, str(root)


def _names(files: Any, root: str, suffix: str) -> list[str]:
    if root.endswith(suffix):
        return [root]
    found = files.ls(root.rstrip("/"), detail=False)
    return sorted(name for name in map(str, found) if name.endswith(suffix))
