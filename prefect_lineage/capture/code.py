"""Which code ran, and in what environment: read from files and loaded modules, without a process a run."""

from __future__ import annotations

import getpass
import hashlib
import importlib.metadata
import inspect
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from prefect_lineage.capture.context import paused
from prefect_lineage.capture.identity import host
from prefect_lineage.capture.redact import Lasting
from prefect_lineage.capture.remotes import home_of

__all__ = ["code_of", "environment_of", "git_state"]

_GIT_SECONDS = 20.0


def code_of(function: Callable[..., Any]) -> Lasting:
    """File, line, source digest and git commit of a function; what cannot be known is left out."""
    plain = inspect.unwrap(function)
    name = getattr(plain, "__qualname__", type(plain).__qualname__)
    code = _code(plain)
    return _told(f"{getattr(plain, '__module__', None)}.{name}", code, code.co_filename if code else "")


@lru_cache(maxsize=1024)
def _told(name: str, code: CodeType | None, file: str) -> Lasting:
    return Lasting(function=name, **({} if code is None else _source_of(code, file)))


def _code(plain: object) -> CodeType | None:
    code = getattr(plain, "__code__", None)
    return code if isinstance(code, CodeType) else None


# By code, not by function: a closure made anew for every run, and what it holds, must not be kept alive. The
# file belongs to the key because equal code in two files compares equal.
@lru_cache(maxsize=1024)
def _source_of(code: CodeType, file: str) -> dict[str, Any]:
    with paused():
        try:
            lines, first = inspect.getsourcelines(code)
            path = Path(file).resolve()
        except (OSError, TypeError, IndexError):
            return {}
        source = "".join(lines).encode("utf-8", "surrogateescape")
        digest = f"sha256:{hashlib.sha256(source).hexdigest()}"
        found: dict[str, Any] = {"file": str(path), "line": first, "digest": digest}
        repository = _repository(path.parent)
        if repository is not None:
            found |= _head(repository)
        return found


@cache
def _repository(folder: Path) -> Path | None:
    """The root of the git work tree around ``folder``."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


@cache
def _head(root: Path) -> dict[str, Any]:
    """The commit and branch that are checked out, read from git's own files."""
    try:
        git = _git_directory(root)
        known = {"repository": str(root)} | _remote(git)
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return {**known, "commit": head}
        ref = head.removeprefix("ref: ")
        commit = _ref(git, ref)
    except OSError:
        return {}
    branch = ref.removeprefix("refs/heads/")
    _watch(root)
    return {**known, "branch": branch} | ({"commit": commit} if commit else {})


def _remote(git: Path) -> dict[str, str]:
    """Where the repository came from, if that is a host with pages."""
    try:
        found = home_of(_common(git))
    except (OSError, ValueError):
        return {}
    return {"remote": found} if found else {}


def _common(git: Path) -> Path:
    """The directory that a linked work tree shares with the others."""
    common = git / "commondir"
    return (git / common.read_text(encoding="utf-8").strip()).resolve() if common.is_file() else git


def _git_directory(root: Path) -> Path:
    """``.git`` itself, or what it points at in a linked work tree."""
    git = root / ".git"
    if git.is_dir():
        return git
    target = git.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
    return (root / target).resolve()


def _ref(git: Path, ref: str) -> str | None:
    homes = dict.fromkeys((git, _common(git)))
    for home in homes:
        if (home / ref).is_file():
            return (home / ref).read_text(encoding="utf-8").strip()
    for home in homes:
        packed = home / "packed-refs"
        if packed.is_file():
            for line in packed.read_text(encoding="utf-8").splitlines():
                commit, _, name = line.partition(" ")
                if name == ref:
                    return commit
    return None


_dirty: dict[str, bool] = {}


def _watch(root: Path) -> None:
    """Ask git once per process, beside the run, whether the work tree differs from its commit."""

    def ask() -> None:
        command = ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"]
        try:
            done = subprocess.run(  # noqa: S603 - a constant command on a path that git itself knows
                command, capture_output=True, timeout=_GIT_SECONDS, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return  # without git the commit stands alone: "dirty" is then absent, not False
        _dirty[str(root)] = bool(done.stdout.strip())

    threading.Thread(target=ask, name="prefect-lineage-git", daemon=True).start()


def git_state(code: Lasting) -> Lasting:
    """``code`` with ``dirty`` if that is known by now."""
    dirty = _dirty.get(code.get("repository", ""))
    if dirty is None:
        return code
    known = _with_dirty.get(id(code))
    if known is None or known[0] is not code or known[1]["dirty"] is not dirty:
        if len(_with_dirty) >= _MAX_ENVIRONMENTS:
            _with_dirty.clear()
        known = _with_dirty[id(code)] = code, Lasting(code, dirty=dirty)
    return known[1]


_with_dirty: dict[int, tuple[Lasting, Lasting]] = {}
"""By id of the code; with that code, so that the id stays its own."""


@cache
def _machine() -> dict[str, Any]:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = None
    return {"host": host(), "user": user, "python": platform.python_version(), "platform": sys.platform}


_environments: dict[tuple[CodeType, str], Lasting] = {}
_MAX_ENVIRONMENTS = 1024


def environment_of(function: Callable[..., Any]) -> Lasting:
    """Python, host, user, and the versions of the packages that the function's module uses."""
    plain = inspect.unwrap(function)
    code = _code(plain)
    known = _environments.get((code, code.co_filename)) if code is not None else None
    if known is not None:
        return known
    with paused():
        names = {"prefect", *_packages_used(getattr(plain, "__globals__", {}))}
        versions = {name: version for name in sorted(names) if (version := _version(name))}
        found = Lasting(_machine(), packages=versions)
    if code is not None and len(_environments) < _MAX_ENVIRONMENTS:
        _environments[code, code.co_filename] = found
    return found


def _packages_used(namespace: dict[str, Any]) -> set[str]:
    used = set()
    for value in list(namespace.values()):
        name = _module_of(value)
        if name:
            used.add(name.partition(".")[0])
    return used - sys.stdlib_module_names


def _module_of(value: object) -> str | None:
    """The module that a global is or comes from."""
    try:
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    except Exception:  # noqa: BLE001 - proxies look up what they stand for, and may raise anything
        return None
    return module if isinstance(module, str) else None


def _version(name: str) -> str | None:
    version = getattr(sys.modules.get(name), "__version__", None)
    if isinstance(version, str):
        return version
    try:
        return importlib.metadata.version(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return None
