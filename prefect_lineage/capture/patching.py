"""Patching that can be undone: every original is back by identity after :meth:`Patches.restore`.

Names bound early (``from pandas import read_csv``) are rebound by one scan of the loaded modules.
"""

from __future__ import annotations

import functools
import gc
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, TypeVar

from prefect_lineage.capture.noise import is_users

__all__ = ["Patches", "alike", "expect", "is_left_alone", "stand_in"]

F = TypeVar("F", bound=Callable[..., Any])

# Modules that read for themselves, and never for the user: their early bound names stay as they are.
_LEFT_ALONE = (
    "importlib",
    "linecache",
    "tokenize",
    "logging",
    "_pyio",
    "fastparquet",  # compares the open that it has bound with the one in its functions' defaults
    "prefect_lineage.capture",
    "prefect_lineage.store",
)
_ABSENT = object()
_DEFAULTS = ("__defaults__", "__kwdefaults__")


def alike(original: object) -> Callable[[F], F]:
    """A decorator: the replacement looks like ``original``, as far as an odd original can be looked at."""

    def decorate(replacement: F) -> F:
        try:
            functools.update_wrapper(replacement, original)  # type: ignore[arg-type]
        except (AttributeError, TypeError, ValueError):
            return replacement
        return replacement

    return decorate


def expect(function: Callable[..., Any], *names: str) -> None:
    """Look before patching: these must be the parameters.

    Raises:
        TypeError: they are not.
    """
    found = tuple(inspect.signature(function).parameters)
    if found != names:
        raise TypeError(f"{function.__qualname__}{found} is not {names}")


_BASETYPE = 1 << 10  # Py_TPFLAGS_BASETYPE


def stand_in(original: type[Any], calling: Callable[..., Any]) -> type[Any]:
    """A class that takes the place of one that cannot be changed, and gives its calls to ``calling``.

    What it makes are objects of ``original`` itself; ``isinstance``, subclasses and comparisons are as with it.
    One that allows no subclass is stood in for by a class that only looks like it.
    """

    class Standing(type(original)):  # type: ignore[misc]
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            return calling(*args, **kwargs) if cls is stands else super().__call__(*args, **kwargs)

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, original) if cls is stands else super().__instancecheck__(instance)

        def __subclasscheck__(cls, other: type[Any]) -> bool:
            return issubclass(other, original) if cls is stands else super().__subclasscheck__(other)

        def __eq__(cls, other: object) -> bool:
            return cls is other or (cls is stands and other is original)

        def __getattr__(cls, name: str) -> Any:
            return getattr(original, name)

        def __hash__(cls) -> int:
            return hash(original) if cls is stands else super().__hash__()

    names = {"__doc__": original.__doc__, "__module__": original.__module__, "__slots__": ()}
    bases = (original,) if original.__flags__ & _BASETYPE else ()
    stands: type[Any] = Standing(original.__name__, bases, names)
    stands.__qualname__ = original.__qualname__
    return stands


def _put(owner: Any, name: str, value: Any) -> None:
    """``setattr``, which compiled classes refuse: theirs is done in their namespace, where methods are looked up."""
    try:
        setattr(owner, name, value)
    except TypeError:
        names = _namespace(owner, name)
        if names is None:
            raise
        names[name] = value
        import ctypes  # for nobody else

        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))  # it has remembered what it found there


def _namespace(owner: Any, name: str) -> dict[str, Any] | None:
    """The names of a class of a compiled library, if it defines this method; slots like ``__init__`` lie elsewhere."""
    if not isinstance(owner, type) or name not in vars(owner) or name.startswith("__"):
        return None
    if sys.implementation.name != "cpython" or owner.__module__ in sys.stdlib_module_names | {"builtins"}:
        return None
    found = [names for names in gc.get_referents(vars(owner)) if type(names) is dict]
    return found[0] if len(found) == 1 and found[0].get(name) is vars(owner)[name] else None


class Patches:
    """A set of replaced attributes."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any, Any, bool]] = []
        self._by_original: dict[int, tuple[Any, Any]] = {}
        self._abilities: list[tuple[set[Any], Any]] = []
        self._homes: list[tuple[FunctionType, str, str]] = []

    @property
    def installed(self) -> bool:
        return bool(self._replaced)

    def replace(self, owner: Any, name: str, replacement: Any) -> None:
        """Put ``replacement`` where ``owner.name`` is, remembering what was there.

        Raises:
            AttributeError: ``owner`` has no such attribute.
            TypeError: ``owner`` is a type that cannot be changed, not even from below.
        """
        inherited = name not in vars(owner)
        original = getattr(owner, name) if inherited else vars(owner)[name]
        _put(owner, name, replacement)
        self._replaced.append((owner, name, original, replacement, inherited))
        self._by_original[id(original)] = (original, replacement)
        if owner is os:
            self._as_able(original, replacement)
        elif isinstance(owner, ModuleType) and type(original) is FunctionType:
            self._keep_home(owner, name, original, replacement)

    def _keep_home(self, owner: ModuleType, name: str, original: FunctionType, replacement: Any) -> None:
        """Both go to other processes by name: the original by that of where it is defined, which stays its own.

        Somebody may have kept it before it was replaced: ``READERS = {"csv": pandas.read_csv}``.
        """
        home = original.__globals__
        if home is vars(owner) or home.get(original.__name__) is not original:
            return
        self._homes.append((original, original.__module__, original.__qualname__))
        original.__module__, original.__qualname__ = str(home.get("__name__")), original.__name__
        place = sys.modules.get(replacement.__module__)
        if getattr(place, replacement.__qualname__, None) is not replacement:
            replacement.__module__, replacement.__qualname__ = owner.__name__, name

    def _as_able(self, original: Any, replacement: Any) -> None:
        """The replacement can what the original could: callers ask ``os.unlink in os.supports_dir_fd``."""
        sets = (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids)
        for abilities in sets:
            if original in abilities:
                abilities.add(replacement)
                self._abilities.append((abilities, replacement))

    def rebind(self) -> None:
        """Replace the originals wherever a loaded module has bound them under some name.

        There, and in modules of the user's, also where they are the default of an argument, as in ``def load(path,
        opener=open)``: a library may compare the argument with the name.
        """
        _scan(self._by_original, self._note)

    def _note(self, owner: Any, name: str, original: Any, replacement: Any) -> None:
        if any(original is kept and vars(owner) is kept.__globals__ for kept, *_ in self._homes):
            return
        setattr(owner, name, replacement)
        self._replaced.append((owner, name, original, replacement, False))

    def restore(self) -> None:
        """Put every original back; names bound to a replacement in the meantime are put right too."""
        replacements = {id(new): (new, old) for old, new in self._by_original.values()}
        while self._abilities:
            abilities, able = self._abilities.pop()
            abilities.discard(able)
        while self._replaced:
            owner, name, original, replacement, inherited = self._replaced.pop()
            there = getattr(owner, name) if name in _DEFAULTS else vars(owner).get(name, _ABSENT)
            if there is not replacement:
                continue  # somebody patched over us: theirs stays
            if inherited:
                delattr(owner, name)
            else:
                _put(owner, name, original)
        while self._homes:
            function, module, qualname = self._homes.pop()
            function.__module__, function.__qualname__ = module, qualname
        _scan(replacements, lambda owner, name, _, original: setattr(owner, name, original))
        self._by_original.clear()


def is_left_alone(module: str) -> bool:
    """Whether names that a module has bound stay what they are, whichever that is."""
    return module.startswith(_LEFT_ALONE)


def _scan(wanted: dict[int, tuple[Any, Any]], found: Callable[[Any, str, Any, Any], None]) -> None:
    """Call ``found`` for every module attribute that *is* one of the wanted objects."""
    if not wanted:
        return
    for module in list(sys.modules.values()):
        if not issubclass(type(module), ModuleType):
            continue
        # not vars(): a lazy module would be executed by the first look at any of its attributes
        names = object.__getattribute__(module, "__dict__")
        if is_left_alone(str(names.get("__name__"))):
            continue
        if wanted.keys().isdisjoint(map(id, list(names.values()))) and not _is_users(names):
            continue  # most modules, and decided without a loop in Python
        for name, value in list(names.items()):
            match = wanted.get(id(value))
            if match is not None and match[0] is value:
                found(module, name, *match)
        for function in _functions(names):
            _scan_defaults(function, wanted, found)


def _is_users(names: dict[str, Any]) -> bool:
    file = names.get("__file__")
    return isinstance(file, str) and is_users(file)


def _functions(names: dict[str, Any]) -> Iterator[FunctionType]:
    """The functions of a module, and the methods of its classes."""
    for value in list(names.values()):
        if type(value) is FunctionType:
            yield value
        # not isinstance, which asks the object itself: proxies raise where what they stand for is not there
        elif issubclass(type(value), type) and vars(value).get("__module__") == names.get("__name__"):
            yield from (method for method in vars(value).values() if type(method) is FunctionType)


def _scan_defaults(
    function: FunctionType,
    wanted: dict[int, tuple[Any, Any]],
    found: Callable[[Any, str, Any, Any], None],
) -> None:
    def instead(value: Any) -> Any:
        match = wanted.get(id(value))
        return match[1] if match is not None and match[0] is value else value

    for name in _DEFAULTS:
        before = getattr(function, name)
        if not before:
            continue
        values = before.values() if isinstance(before, dict) else before
        if wanted.keys().isdisjoint(map(id, values)):
            continue
        if isinstance(before, dict):
            found(function, name, before, {key: instead(value) for key, value in before.items()})
        else:
            found(function, name, before, tuple(map(instead, before)))
