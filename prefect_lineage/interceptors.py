"""How a plugin describes the calls that it wants watched.

    from prefect_lineage import hookimpl
    from prefect_lineage.interceptors import Interceptor, reads, writes

    @hookimpl
    def lineage_interceptors():
        return [
            Interceptor("toml_like", "load", reads("path", format="toml")),
            Interceptor("toml_like", "dump", writes("path", format="toml")),
        ]

The rest is done by the machinery in :mod:`prefect_lineage.capture.interception`: patching when the library
is imported, never raising into the caller, remembering what was there before a write, and undoing it all.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

__all__ = [
    "Call",
    "Claim",
    "Claimed",
    "Description",
    "Interceptor",
    "NotUnderstood",
    "Notes",
    "reads",
    "writes",
]

T = TypeVar("T")

Claimed = Literal["read", "write", "append", "update", "open", "delete"]
"""What a call does to a place; see :class:`Claim`."""


class NotUnderstood(Exception):
    """Raised by an adapter that cannot tell what a call does: the call is counted as a miss, and nobody is at fault."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a call tells about the data for free; never worth a second read.

    Attributes:
        type: of the artifact, where only the result tells; it goes before the claim's.
        version: how whoever keeps the data calls this content of it (an ETag, the version of a table): it is then
            the version's digest, and no byte is hashed.
    """

    rows: int | None = None
    schema: tuple[tuple[str, str], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    type: str | None = None
    version: str | None = None


@dataclass(slots=True)
class Call:
    """One call of an intercepted function.

    Attributes:
        args, kwargs: as the user gave them; a method's first argument is its object.
        result: what it returned; None before it has.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any = None
    _bound: dict[str, Any] | None = None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Every argument by the name of its parameter, defaults included.

        Some functions of compiled code do not tell their parameters: then only what was passed by name.
        """
        if self._bound is None:
            signature = _signature(self.function)
            if signature is None:
                self._bound = dict(self.kwargs)
                return self._bound
            try:
                bound = signature.bind_partial(*self.args, **self.kwargs)
            except TypeError:
                # the call is wrong and about to say so itself, or a decorator still admits what the
                # signature does not (positional arguments that are deprecated): names in their order
                self._bound = dict(zip(signature.parameters, self.args, strict=False)) | self.kwargs
            else:
                bound.apply_defaults()
                self._bound = dict(bound.arguments)
        return self._bound

    def __getitem__(self, parameter: str) -> Any:
        """The argument called ``parameter``, also one among ``**kwargs``, or None."""
        return self.arguments.get(parameter, self.kwargs.get(parameter))


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Claim:
    """A call reads or writes one target.

    Attributes:
        target: a path, a URI, or an object that a ``lineage_location`` hook knows. Open files and buffers claim
            nothing: the file behind them was seen when it was opened.
        operation: ``read``, ``write`` (the content is replaced), ``append`` or ``update`` (input and output),
            ``open`` (a local file that may be read or changed from now on, like a database: an update if it is
            another one when the attempt ends, else a read), ``delete``.
        describe: called once after the call succeeded.
        type: of the artifact, where the call tells (``model``, ``dataset``, ``table`` …).
        members: a directory that is one thing: what the attempt reads and writes below it outside this call belongs to
            it too (what is opened lazily and read later).
        changes: of ``open``: whether this call asks for a change (True) or only reads (False); None: not known.
    """

    target: object
    operation: Claimed = "read"
    format: str | None = None
    type: str | None = None
    describe: Callable[[Call], Description | None] | None = None
    members: bool = False
    changes: bool | None = None


Claims = Callable[[Call], Iterable[Claim]]


@dataclass(frozen=True, slots=True)
class Interceptor:
    """A function, method, property or class to watch.

    Attributes:
        module: the library; the patch is made when it is imported. ``pandas``, ``pandas.io.sql``.
        name: within it: ``read_csv``, ``DataFrame.to_csv``. A method is patched on the class that defines it; a class
            is watched where it is called.
        claims: told the call before it happens, names what it will touch.
        optional: the library need not have it (a version has, another has not).
        after: told the call when it has succeeded, names what only its result tells. What is lazy notes here
            what it would read (:class:`Notes`) and claims it where it is collected.
        outside: ``after`` is told of calls outside any run too, only to take notes: what it claims is not recorded.
        in_caller: the function looks names up in the frame of its caller, which must stay the user's.
        direct: only where the user's own code calls it: what other libraries do with it is their business.
        tested: the releases of the library that this was tried with, as ``>=2,<4``; in others the call is left alone,
            and ``prefect-lineage plugins`` says so.
        distribution: what the library is installed as, where that is not the module's name.
    """

    module: str
    name: str
    claims: Claims | None = None
    optional: bool = False
    after: Claims | None = None
    outside: bool = False
    in_caller: bool = False
    direct: bool = False
    tested: str | None = None
    distribution: str | None = None

    @property
    def via(self) -> str:
        """How edges name the call: ``pandas.read_csv``; a constructor is called as its class is."""
        return f"{self.module}.{self.name.removesuffix('.__init__')}"


class Notes(Generic[T]):
    """What an adapter remembers of objects, each for as long as it lives: of a lazy frame the files it would read."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[Any], T]] = {}

    def put(self, thing: object, note: T) -> None:
        """Remember ``note`` of ``thing``; what cannot be referred to weakly is not remembered."""
        key = id(thing)
        try:
            reference = weakref.ref(thing, lambda _: self._kept.pop(key, None))
        except TypeError:
            return
        self._kept[key] = (reference, note)

    def get(self, thing: object) -> T | None:
        """The note of this very object, or None."""
        reference, note = self._kept.get(id(thing), (None, None))
        return note if reference is not None and reference() is thing else None

    def __len__(self) -> int:
        return len(self._kept)


def reads(
    parameter: str,
    *,
    format: str | None = None,  # noqa: A002 - the field's word
    type: str | None = None,  # noqa: A002
    describe: Callable[[Call], Description | None] | None = None,
) -> Claims:
    """Claims for a call that reads what its argument ``parameter`` names."""
    return lambda call: _each(call[parameter], "read", format, type, describe)


def writes(
    parameter: str,
    *,
    format: str | None = None,  # noqa: A002
    type: str | None = None,  # noqa: A002
    describe: Callable[[Call], Description | None] | None = None,
    mode: str | None = None,
) -> Claims:
    """Claims for a call that writes what its argument ``parameter`` names.

    ``mode`` names the argument that holds the mode: with an ``a`` in it the call appends.
    """

    def claims(call: Call) -> Iterable[Claim]:
        appends = mode is not None and "a" in str(call[mode] or "")
        return _each(call[parameter], "append" if appends else "write", format, type, describe)

    return claims


def _each(
    target: Any,
    operation: Claimed,
    format: str | None,  # noqa: A002
    type: str | None,  # noqa: A002
    describe: Callable[[Call], Description | None] | None,
) -> Iterable[Claim]:
    targets = target if isinstance(target, (list, tuple)) else [target]
    return [Claim(one, operation, format, type, describe) for one in targets if one is not None]
