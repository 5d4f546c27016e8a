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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Call", "Claim", "Description", "Interceptor", "reads", "writes"]


@dataclass(frozen=True, slots=True)
class Description:
    """What a call tells about the data for free; never worth a second read.

    Attributes:
        type: of the artifact, where only the result tells; it goes before the claim's.
    """

    rows: int | None = None
    schema: tuple[tuple[str, str], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    type: str | None = None


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
        """Every argument by the name of its parameter, defaults included."""
        if self._bound is None:
            signature = _signature(self.function)
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
        """The argument called ``parameter``, or None."""
        return self.arguments.get(parameter)


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


@dataclass(frozen=True, slots=True)
class Claim:
    """A call reads or writes one target.

    Attributes:
        target: a path, a URI, or an object that a ``lineage_location`` hook knows. Open files and buffers claim
            nothing: the file behind them was seen when it was opened.
        operation: ``read``, ``write`` (the content is replaced), ``append`` or ``update`` (input and output).
        describe: called once after the call succeeded.
        type: of the artifact, where the call tells (``model``, ``dataset``, ``table`` …).
    """

    target: object
    operation: Literal["read", "write", "append", "update"] = "read"
    format: str | None = None
    type: str | None = None
    describe: Callable[[Call], Description | None] | None = None


Claims = Callable[[Call], Iterable[Claim]]


@dataclass(frozen=True, slots=True)
class Interceptor:
    """A function or method to watch.

    Attributes:
        module: the library; the patch is made when it is imported. ``pandas``, ``pandas.io.sql``.
        name: within it: ``read_csv``, ``DataFrame.to_csv``. A method is patched on the class that defines it.
        claims: told the call before it happens, names what it will touch.
        optional: the library need not have it (a version has, another has not).
    """

    module: str
    name: str
    claims: Claims
    optional: bool = False

    @property
    def via(self) -> str:
        """How edges name the call: ``pandas.read_csv``; a constructor is called as its class is."""
        return f"{self.module}.{self.name.removesuffix('.__init__')}"


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
    operation: Literal["read", "write", "append", "update"],
    format: str | None,  # noqa: A002
    type: str | None,  # noqa: A002
    describe: Callable[[Call], Description | None] | None,
) -> Iterable[Claim]:
    targets = target if isinstance(target, (list, tuple)) else [target]
    return [Claim(one, operation, format, type, describe) for one in targets if one is not None]
