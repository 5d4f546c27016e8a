"""What is no data of the user's: imports, the interpreter, libraries' own files, Prefect, logs, ourselves.

Two questions are asked. *Who opened it?* is answered from the call stack when it happens, *where does it
lie?* from the path when the attempt ends.
"""

from __future__ import annotations

import fnmatch
import os
import re
import site
import sysconfig
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from pathlib import Path
from types import FrameType

from prefect_lineage.plugins import Plugins

__all__ = ["Noise", "is_called_by_user", "is_strays", "is_users", "via_of"]

_MAX_FRAMES = 60
_PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep


class _Code(Enum):
    """To whom a source file belongs."""

    USER = "user"
    LIBRARY = "library"
    SILENT = "silent"
    OURS = "ours"
    RUNNER = "runner"


_SILENT_FILES = (
    "/linecache.py",
    "/inspect.py",
    "/tokenize.py",
    "/traceback.py",
    "/pkgutil.py",
    "/mimetypes.py",
    "/platform.py",
    "/sysconfig.py",
    "/netrc.py",
    "/ssl.py",
    "/ctypes/util.py",
    "/matplotlib/font_manager.py",
    "/dateutil/tz/tz.py",
    "/distributed/diskutils.py",  # the locks of a Dask cluster's scratch space, taken where a flow starts one
)
_SILENT_PARTS = ("/logging/", "/importlib/", "/zoneinfo/", "/pytz/", "/certifi/", "/faker/", "/alembic/")
_RUNNER_FILES = (
    "/prefect/utilities/callables.py",
    "/prefect/task_engine.py",
    "/prefect/flow_engine.py",
)


def _library_roots() -> tuple[str, ...]:
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths.update(site.getsitepackages())
    paths.add(site.getusersitepackages())
    return tuple(sorted({os.path.realpath(path) + os.sep for path in paths if path}))


_LIBRARY_ROOTS = _library_roots()


class _Owners(dict[str, _Code]):
    """To whom the code of each file belongs; remembered, for it is asked for every frame."""

    def __missing__(self, filename: str) -> _Code:
        found = self[filename] = _judge(filename)
        return found


_owners = _Owners()


def _judge(filename: str) -> _Code:
    if filename.startswith(("<frozen importlib", "<frozen zipimport")):
        return _Code.SILENT
    if filename.startswith("<"):
        return _Code.LIBRARY if filename.startswith("<frozen ") else _Code.USER
    if filename.startswith(_PACKAGE) or "/prefect_lineage_hooks/" in filename:
        return _Code.OURS
    try:
        real = os.path.realpath(filename)
    except (OSError, ValueError):  # a relative name, and the working directory is gone
        real = filename
    if not real.startswith(_LIBRARY_ROOTS) and "/site-packages/" not in real:
        return _Code.USER
    if real.endswith(_RUNNER_FILES):
        return _Code.RUNNER
    if "/site-packages/prefect/" in real or any(part in real for part in _SILENT_PARTS):
        return _Code.SILENT
    return _Code.SILENT if real.endswith(_SILENT_FILES) else _Code.LIBRARY


def is_users(filename: str) -> bool:
    """Whether the code of a file is the user's own, and no library's."""
    return _owners[filename] is _Code.USER


def via_of(frame: FrameType | None, default: str) -> str | None:
    """The call by which the user's code came to a file: ``numpy.loadtxt``; None if it was not the user's.

    The stack is climbed from the access through library code up to the user's; the last library function on
    the way is what the user called. ``default`` is the answer when the user called us directly.
    """
    called: FrameType | None = None
    for _ in range(_MAX_FRAMES):
        if frame is None:
            break
        owner = _owners[frame.f_code.co_filename]
        if owner is _Code.SILENT:
            return None
        if owner is _Code.USER or owner is _Code.RUNNER:
            break
        if owner is _Code.LIBRARY:
            called = frame
        frame = frame.f_back
    return default if called is None else _named(called, default)


_PLUMBING = (
    "threading",
    "concurrent",
    "asyncio",
    "anyio",
    "multiprocessing",
    "contextlib",
    "functools",
    "runpy",
)


def is_called_by_user(frame: FrameType | None, module: str) -> bool:
    """Whether it is the user's own code that calls into the library of ``module``, seen from within a call of it."""
    library = module.partition(".")[0]
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return False
        owner = _owners[frame.f_code.co_filename]
        within = str(frame.f_globals.get("__name__")).partition(".")[0] in (library, *_PLUMBING)
        if owner is not _Code.OURS and not within:
            return owner in (_Code.USER, _Code.RUNNER)
        frame = frame.f_back
    return False


def is_strays(frame: FrameType | None, default: str) -> str | None:
    """The call by which the user's own code came to a file; None for what libraries, Prefect and we do by ourselves."""
    called: FrameType | None = None
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return None
        owner = _owners[frame.f_code.co_filename]
        if owner is _Code.USER:
            return default if called is None else _named(called, default)
        if owner is not _Code.LIBRARY:
            return None
        called, frame = frame, frame.f_back
    return None


def _named(frame: FrameType, default: str) -> str:
    return _name(str(frame.f_globals.get("__name__", "")), frame.f_code.co_qualname, default)


@lru_cache(maxsize=4096)
def _name(module: str, function: str, default: str) -> str:
    """How the function is called by who calls it: without the private parts of its module's name."""
    if module.partition(".")[0] in _PLUMBING:
        return default
    public = ".".join(part for part in module.split(".") if not part.startswith("_"))
    return f"{public}.{function}" if public else default


class Noise:
    """Judges paths, under one set of ignore rules.

    Args:
        ignore: the user's globs, matched with the whole path and with the name.
        own: directories and files of this package and of Prefect.
        plugins: asked about paths that nobody claimed.
    """

    _PREFIXES = ("/proc/", "/sys/", "/dev/", "/run/", "/usr/share/zoneinfo/", "/usr/share/fonts/", "/etc/")
    _USERS = ("/dev/shm/", "/run/media/")  # noqa: S108 - below the prefixes, and yet where users keep data
    _SUFFIXES = (".pyc", ".pyo")  # not .so and .pth: they are imports below the roots only, else models
    _PARTS = re.compile(
        "/__pycache__/|/site-packages/|/dist-packages/|/[.]git/|/[.]cache/|/[.]ipynb_checkpoints/"
    )

    def __init__(
        self, ignore: Iterable[str] = (), own: Iterable[str] = (), plugins: Plugins | None = None
    ) -> None:
        self._ignore = tuple(ignore)
        self._own = frozenset(os.path.realpath(path) for path in own)
        self._below_own = tuple(path + os.sep for path in self._own)
        self._plugins = plugins if plugins and plugins.implements("lineage_noise") else None
        # what is below a folder is noise or not: most files that are touched have neighbours
        self._is_noisy = lru_cache(maxsize=4096)(self._is_noisy_below)

    def __call__(self, path: str, write: bool, storage: tuple[str, ...] = ()) -> bool:
        """Whether an access of ``path`` is noise; ``storage`` are the runner's result directories."""
        if path.endswith(self._SUFFIXES) or path in self._own or path in storage:
            return True
        if self._is_noisy(path[: path.rfind("/") + 1], storage):
            return True
        if self._ignore and self._is_ignored(path):
            return True
        return self._plugins is not None and self._by_plugins(path, self._plugins, write=write)

    def _is_noisy_below(self, folder: str, storage: tuple[str, ...]) -> bool:
        """Whether all that is below a folder, which ends with a slash, is noise."""
        if self._PARTS.search(folder) or folder.startswith(self._below_own):
            return True
        if folder.startswith(_UNWANTED) and not folder.startswith(self._USERS):
            return True
        return folder.startswith(tuple(place + os.sep for place in storage))

    def _is_ignored(self, path: str) -> bool:
        name = os.path.basename(path)  # noqa: PTH119
        return any(
            fnmatch.fnmatchcase(path, glob) or fnmatch.fnmatchcase(name, glob) for glob in self._ignore
        )

    def _by_plugins(self, path: str, plugins: Plugins, *, write: bool) -> bool:
        return any(answer for _, answer in plugins.each("lineage_noise", path=path, write=write))


_UNWANTED = Noise._PREFIXES + _LIBRARY_ROOTS  # noqa: SLF001 - put together once
