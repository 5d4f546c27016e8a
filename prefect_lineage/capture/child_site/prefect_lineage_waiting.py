"""In a Python that a run has started: capture begins with the first file, or the first library, that it asks for.

Until then nothing of capture is loaded, nor anything else that takes time: many such programs do little, and capture
would cost them a third of a second.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
import time

TYPE_CHECKING = False  # typing takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["wait"]

_OWNERS: tuple[tuple[ModuleType, str], ...] = (
    *((builtins, "open"), (io, "open")),
    *((os, name) for name in ("open", "rename", "replace", "remove", "unlink", "system")),
)
_EARLY = frozenset(
    (
        *("asyncio", "concurrent", "dbm", "mmap", "multiprocessing", "shelve", "shutil", "sqlite3"),
        *("subprocess", "tempfile", "threading", "urllib"),
    )
)
"""Modules of the standard library that begin what must be seen from its beginning."""

_waiting: _Waiting | None = None


def wait(letter: str) -> None:
    """Begin when there is something to see. The letter is read now: it may be gone when the attempt has ended.

    Args:
        letter: its path, and after a ``|`` what is to be said on arrival.
    """
    global _waiting
    place, _, token = letter.rpartition("|")
    if not any(finder.find_spec("prefect_lineage", None) for finder in sys.meta_path):
        return  # another environment
    try:
        with open(place, "rb") as file:
            said = file.read()
        name = _tell_arrival(os.path.dirname(place), token)
    except OSError:
        return  # the run is over: there is nobody to tell anything
    _waiting = _Waiting(said, os.path.dirname(place), name)
    if not _EARLY.isdisjoint(sys.modules):
        _waiting.begin()


def _tell_arrival(spool: str, token: str) -> str:
    name = f"{os.getpid()}-{time.time_ns()}-0.jsonl"
    descriptor = os.open(f"{spool}/{name}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f'{{"key": "{name}:0", "hello": "{token}"}}\n'.encode())  # json would be loaded
    finally:
        os.close(descriptor)
    return name


class _Waiting:
    """Stands in for what opens and removes files, and before the finders of modules."""

    def __init__(self, letter: bytes, spool: str, file: str) -> None:
        self._letter, self._spool, self._file = letter, spool, file
        self._originals = [getattr(owner, name) for owner, name in _OWNERS]
        for (owner, name), original in zip(_OWNERS, self._originals, strict=True):
            setattr(owner, name, self._standing_in(owner, name, original))
        sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Finds nothing by itself, but sees what is asked for."""
        top = name.partition(".")[0]
        if (top not in _EARLY and top in sys.stdlib_module_names) or _is_half_loaded():
            return None
        self.begin()
        import importlib.util

        if name in sys.modules:  # capture itself has needed it: it must not be loaded a second time
            return importlib.util.spec_from_loader(name, _Loaded(sys.modules[name]))  # type: ignore[arg-type]
        # Searched anew, for now there are other finders before those that this search will still ask.
        return importlib.util.find_spec(name)

    def _standing_in(self, owner: ModuleType, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def stand_in(*args: Any, **kwargs: Any) -> Any:
            self.begin()
            return getattr(owner, name)(*args, **kwargs) if _waiting is None else original(*args, **kwargs)

        return stand_in

    def begin(self) -> None:
        """Get out of the way, and capture from here on; a second call does nothing."""
        global _waiting
        if _waiting is not self:
            return
        _waiting = None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for (owner, name), original in zip(_OWNERS, self._originals, strict=True):
            setattr(owner, name, original)
        try:
            _arrive(self._letter)
        except Exception as error:  # noqa: BLE001 - the program is the user's: it goes on, and is not seen
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        reason = "".join(one for one in repr(error) if one.isalnum() or one in " .'()")
        line = f'{{"key": "{self._file}:1", "miss": "not seen inside: Popen: {reason}"}}\n'
        try:
            with open(f"{self._spool}/{self._file}", "a") as file:
                file.write(line)
        except OSError:
            return  # the run is over


def _is_half_loaded() -> bool:
    """Whether a module of the standard library is being loaded now, which capture may need whole."""
    return any(
        getattr(getattr(module, "__spec__", None), "_initializing", False)
        and name.partition(".")[0] in sys.stdlib_module_names
        for name, module in list(sys.modules.items())
    )


class _Loaded:
    """A loader that gives a module as it is; a module with a spec of its own would be loaded by that."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__
        module.__spec__ = None

    def create_module(self, _spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """It has been."""
        module.__spec__ = self._spec


def _arrive(said: bytes) -> None:
    import json

    from prefect_lineage.capture.attempt import claim_id
    from prefect_lineage.capture.children import Carrier
    from prefect_lineage.capture.context import current

    letter = json.loads(said)
    carrier = letter["carrier"]
    attempt = Carrier(**{**carrier, "storage": tuple(carrier["storage"])}).attempt()
    if attempt is not None:
        current.set(attempt)
        claim_id.set(letter["claim"])
