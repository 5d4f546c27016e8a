"""The places of one attempt at its end: what each really is, with one look at each."""

from __future__ import annotations

import os

from prefect_lineage.capture.fingerprints import LINK, TYPE, Fingerprint, fingerprint_of
from prefect_lineage.capture.identity import local_path

__all__ = ["Places", "absolute"]


def absolute(path: str) -> str:
    """``os.path.abspath``, which takes a dozen calls to find that a path is spelt in the shortest way already."""
    whole = path if path[:1] == "/" else f"{os.getcwd()}/{path}"  # noqa: PTH109 - no Path object in a hot path
    if "//" in whole or "/." in whole or "\0" in whole or whole[-1] == "/":
        return os.path.abspath(path)  # noqa: PTH100 - no symlink may be resolved
    return whole


class Places:
    """Real paths, each resolved once: one attempt may open one file thousands of times, or thousands in one folder.

    Attributes:
        known: the fingerprints of those that are files, by real path, as they were when they were resolved.
    """

    def __init__(self) -> None:
        self.known: dict[str, Fingerprint] = {}
        self._real: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def real(self, target: str) -> str:
        """A path or ``file:`` URI without symlinks and ``./``; any other URI as it is."""
        if target not in self._real:
            path = target if target[:1] == "/" else local_path(target)
            self._real[target] = target if path is None else self._resolved(path)
        return self._real[target]

    def exists(self, path: str) -> bool:
        """Whether something is there, be it a link that points nowhere."""
        return path in self.known or os.path.lexists(path)

    def _resolved(self, path: str) -> str:
        """``os.path.realpath``, which asks for each part of a path whether it is a link: once for each directory."""
        folder, _, name = path.rpartition("/")
        if not folder or name in {"", ".", ".."}:
            return os.path.realpath(path)
        try:
            found = os.lstat(path)
        except (OSError, ValueError):
            # what is not there leads nowhere, unless only the way to it is not: "gone/../link"
            return os.path.realpath(path) if "/../" in path else f"{self._real_folder(folder)}/{name}"
        if found.st_mode & TYPE == LINK:
            return os.path.realpath(path)
        real = f"{self._real_folder(folder)}/{name}"
        known = fingerprint_of(found)
        if known is not None:
            self.known[real] = known
        return real

    def _real_folder(self, folder: str) -> str:
        """Without a slash at its end."""
        if folder not in self._folders:
            self._folders[folder] = _real(folder).rstrip("/")
        return self._folders[folder]


def _real(folder: str) -> str:
    """``os.path.realpath``, for directories that no link leads to, as most."""
    spelt = f"{folder}/"
    if folder[:1] != "/" or "//" in spelt or "/./" in spelt or "/../" in spelt:
        return os.path.realpath(folder)
    end = 0
    while end >= 0:
        end = folder.find("/", end + 1)
        part = folder if end < 0 else folder[:end]
        try:
            if os.lstat(part).st_mode & TYPE == LINK:
                return os.path.realpath(folder)
        except (OSError, ValueError):
            return os.path.realpath(folder)
    return folder
