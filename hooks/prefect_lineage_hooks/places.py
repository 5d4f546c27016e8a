"""Where data lies, as the arguments of several libraries' calls say it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["expanded", "is_remote", "local", "place", "places", "within"]


def place(target: object, filesystem: Any = None) -> str | None:
    """The path or URI that an argument is; None for buffers, open files, descriptors and nothing at all."""
    if not isinstance(target, (str, os.PathLike)) or hasattr(target, "close"):
        return None
    path = os.fsdecode(target)
    if "://" in path:
        return path.rpartition("::")[2]  # fsspec's chains: the last of them is where the data lies
    return within(filesystem, path)


def places(target: object, filesystem: Any = None) -> list[str]:
    """The same of an argument that may be several."""
    targets = target if isinstance(target, (list, tuple, set, frozenset)) else [target]
    return [found for one in targets if (found := place(one, filesystem)) is not None]


def within(filesystem: Any, path: str) -> str:
    """``path`` as a URI if it lies in a file system of fsspec's or Arrow's that is not this machine's."""
    if filesystem is None:
        return path
    if isinstance(filesystem, str):
        return f"{filesystem.rstrip('/')}/{path}" if is_remote(filesystem) else path
    if hasattr(filesystem, "unstrip_protocol"):
        found = str(filesystem.unstrip_protocol(path))
        return local(found) or found
    kind = getattr(filesystem, "type_name", "local")
    if kind == "subtree":
        return within(filesystem.base_fs, os.path.join(filesystem.base_path, path))  # noqa: PTH118 - perhaps a key
    if kind.startswith("py"):
        return within(getattr(filesystem.handler, "fs", None), path)
    return path if kind == "local" else f"{kind}://{path}"


def is_remote(path: str) -> bool:
    """Whether it is a URI of something that is no file of this machine."""
    return "://" in path and not path.lower().startswith("file:")


def local(path: str) -> str | None:
    """The absolute path that a path or a ``file:`` URI names; None for any other URI."""
    if is_remote(path):
        return None
    if path.lower().startswith("file:"):
        path = unquote(urlsplit(path).path)
    return str(Path(path).expanduser().absolute())


def expanded(paths: Iterable[str]) -> list[str]:
    """The same, with the files that there are in the place of patterns; a URI stays as it is.

    A pattern over all partitions (``parts/*/*.parquet``, with folders like ``day=1``) is the directory of them.
    """
    found: list[str] = []
    for path in paths:
        if is_remote(path) or not has_magic(path) or os.path.lexists(path):
            found.append(path)
        else:
            pattern = local(path) or path
            files = sorted(glob(pattern, recursive=True))  # noqa: PTH207 - absolute, with "**"
            found += _partitioned(pattern, files) or files
    return found


def _partitioned(pattern: str, files: list[str]) -> list[str]:
    """The one directory below which the pattern matches files in partitions, whichever they are."""
    roots = {_root(file) for file in files}
    root = roots.pop() if len(roots) == 1 else None
    if root is None or not pattern.startswith(f"{root}/"):
        return []
    *folders, _ = pattern.removeprefix(f"{root}/").split("/")
    return [root] if folders and all(map(has_magic, folders)) else []


def _root(file: str) -> str | None:
    """What lies before the first folder like ``day=1``."""
    folders = file.split("/")[:-1]
    place = next((at for at, folder in enumerate(folders) if "=" in folder), 0)
    return "/".join(folders[:place]) or None
