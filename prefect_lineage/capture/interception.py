"""Adapters: calls of libraries that say more than the file accesses below them.

Plugins describe the calls (:mod:`prefect_lineage.interceptors`); here they are patched, and unpatched.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterable
from contextvars import Token
from dataclasses import dataclass, field
from types import ClassMethodDescriptorType, ModuleType
from typing import Any

import wrapt

from prefect_lineage.capture.attempt import Access, Attempt, Operation, claim_id, next_claim, pending
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.importlib_bootstrap import watching, watching_async
from prefect_lineage.capture.noise import is_called_by_user
from prefect_lineage.capture.patching import Patches, alike, stand_in
from prefect_lineage.capture.shared_opens import shared_opens
from prefect_lineage.interceptors import Call, Claim, Claims, Description, Interceptor, NotUnderstood
from prefect_lineage.releases import untested

__all__ = ["Interceptors"]

log = logging.getLogger("prefect_lineage")

MAX_ERRORS = 5
"""An interceptor that failed this often in one process looks no more."""

Prepare = Callable[[Operation, str, str], Access]
Locate = Callable[[object], str | None]


class Interceptors:
    """The adapters' patches of one process.

    Args:
        prepare: notes the state before an access (the generic net's).
        locate: the path or URI of an argument that is neither.

    Attributes:
        problems: what went wrong, by the call or the library that it concerns.
    """

    def __init__(self, prepare: Prepare, locate: Locate) -> None:
        self._prepare = prepare
        self._locate = locate
        self._libraries: dict[str, list[tuple[str, Interceptor]]] = {}
        self._patches = Patches()
        self._patched: set[str] = set()
        self._hooked: set[str] = set()
        self._errors: dict[str, int] = {}
        self._active = False
        self.problems: dict[str, str] = {}

    @property
    def watched(self) -> set[str]:
        """The libraries of which some call is watched, by the first part of their name."""
        return {module.partition(".")[0] for module in self._libraries}

    def install(self, wanted: Iterable[tuple[str, Interceptor]]) -> None:
        """Watch the calls: now where the library is loaded, else as soon as it is."""
        if self._active:
            return
        self._active = True
        self._libraries.clear()
        for plugin, interceptor in wanted:
            self._libraries.setdefault(interceptor.module, []).append((plugin, interceptor))
        for module in self._libraries:
            if module in sys.modules:
                self._patch(sys.modules[module])
            elif module not in self._hooked:
                # wrapt cannot take a hook back: it stays, and looks whether we are still active
                self._hooked.add(module)
                wrapt.register_post_import_hook(self._imported, module)
        self._patches.rebind()  # one scan of the loaded modules for all of them

    def remove(self) -> None:
        """Put every original back."""
        self._active = False
        self._patches.restore()
        self._patched.clear()

    def _imported(self, module: ModuleType) -> None:
        if not self._active or module.__name__ not in self._libraries:
            return
        try:
            with paused():
                self._patch(module)
                self._patches.rebind()
        except Exception as error:  # noqa: BLE001 - we are inside the user's import statement
            self.problems[module.__name__] = repr(error)
            log.warning("Lineage cannot watch %s: %r", module.__name__, error)

    def _patch(self, module: ModuleType) -> None:
        if module.__name__ in self._patched:
            return
        self._patched.add(module.__name__)
        for plugin, interceptor in self._libraries[module.__name__]:
            unknown = untested(interceptor)
            if unknown is not None:
                if self.problems.get(interceptor.module) != unknown:
                    self.problems[interceptor.module] = unknown
                    log.warning("Lineage: %s", unknown)
                continue
            try:
                self._wrap(module, interceptor)
            except (AttributeError, TypeError, ValueError) as error:
                if not interceptor.optional:
                    self.problems[interceptor.via] = f"{plugin}: {error}"
                    log.warning("Lineage cannot watch %s: %s", interceptor.via, error)

    def _wrap(self, module: ModuleType, interceptor: Interceptor) -> None:
        owner: Any = module
        *path, name = interceptor.name.split(".")
        for part in path:
            owner = getattr(owner, part)
        original = _attribute(owner, name)
        if isinstance(original, type) and _is_changeable(original):
            # the class stays what it is, for isinstance and for subclasses
            owner, name = original, "__init__"
            original = _attribute(owner, name)
        if isinstance(owner, type):
            owner = next((base for base in owner.__mro__ if name in vars(base)), owner)
            original = _attribute(owner, name)
        self._patches.replace(owner, name, self._like(original, interceptor))

    def _like(self, original: Any, interceptor: Interceptor) -> Any:
        """The replacement, bound to its class in the way that the original is."""
        if isinstance(original, staticmethod):
            return staticmethod(self._intercepting(original.__func__, interceptor))
        if isinstance(original, classmethod):
            return classmethod(self._intercepting(original.__func__, interceptor))
        if isinstance(original, ClassMethodDescriptorType):  # a class method of compiled code
            return classmethod(self._intercepting(_of_class(original), interceptor))
        if isinstance(original, property):
            getting = self._intercepting(original.fget, interceptor) if original.fget else None
            return property(getting, original.fset, original.fdel, original.__doc__)
        if isinstance(original, type):
            return stand_in(original, self._intercepting(original, interceptor))
        return self._intercepting(original, interceptor)

    def _intercepting(self, original: Callable[..., Any], interceptor: Interceptor) -> Callable[..., Any]:
        watched = _Watched(self, interceptor)
        if inspect.iscoroutinefunction(original):
            return alike(original)(watching_async(original, watched))
        return alike(original)(
            watching(original, watched, outside=interceptor.outside, in_caller=interceptor.in_caller)
        )

    # -- one call ----------------------------------------------------------------------------------

    def is_off(self, interceptor: Interceptor) -> bool:
        """Whether it has failed too often."""
        return self._errors.get(interceptor.via, 0) >= MAX_ERRORS

    def accesses(
        self,
        claims: Claims,
        call: Call,
        via: str,
        number: int,
        opened: set[tuple[str, bool | None]],
        *,
        settled: bool = False,
    ) -> list[tuple[Access, Claim]]:
        """What an adapter claims of a call.

        Args:
            opened: what the attempt has opened already: a database is asked for thousands of times.
            settled: the call is over, and nothing can be learnt of before it.
        """
        return [
            (self._access(claim, target, via, number, settled=settled), claim)
            for claim in claims(call)
            if (target := self.target(claim.target)) is not None
            and (claim.operation != "open" or _is_first((target, claim.changes), opened))
        ]

    def _access(self, claim: Claim, target: str, via: str, number: int, *, settled: bool) -> Access:
        operation: Operation = "read" if settled and claim.operation == "open" else claim.operation
        access = self._prepare(operation, target, via)
        if settled and access.writes:
            access.existed, access.before, access.known = operation in {"append", "update"}, None, None
        access.claim, access.own = claim_id.get(), number
        access.format, access.type, access.members = claim.format, claim.type, claim.members
        access.changes = claim.changes
        return access

    def target(self, target: object) -> str | None:
        """The path or URI that a claim names; None for what is no place."""
        if isinstance(target, (str, bytes, os.PathLike)):
            return os.fsdecode(target)
        if target is None or hasattr(target, "read") or hasattr(target, "write"):
            return None
        return self._locate(target)

    def failed(self, attempt: Attempt | None, interceptor: Interceptor, error: Exception) -> None:
        """An adapter was wrong; the edges that it would have known are missing, and that is said."""
        if isinstance(error, NotUnderstood):
            if attempt is not None:
                attempt.missed(f"{interceptor.via}: {error or 'not understood'}")
            return
        if attempt is not None:
            attempt.missed(f"adapter failed: {interceptor.via}")
        count = self._errors[interceptor.via] = self._errors.get(interceptor.via, 0) + 1
        if count == 1:
            self.problems[interceptor.via] = repr(error)
            log.warning("The lineage adapter of %s failed: %r", interceptor.via, error)
        elif count == MAX_ERRORS:
            self.problems[interceptor.via] = f"switched off after {count} errors, the last: {error!r}"
            log.warning("The lineage adapter of %s is switched off: %r", interceptor.via, error)


def _is_first(opening: tuple[str, bool | None], opened: set[tuple[str, bool | None]]) -> bool:
    if opening in opened:
        return False
    opened.add(opening)
    return True


_IMMUTABLE, _HEAP = 1 << 8, 1 << 9  # Py_TPFLAGS_IMMUTABLETYPE, Py_TPFLAGS_HEAPTYPE


def _is_changeable(kind: type[Any]) -> bool:
    """Whether its ``__init__`` can be watched: not where it has none, for then ``__new__`` takes the arguments."""
    makes_itself = inspect.getattr_static(kind, "__init__", None) is object.__init__
    return bool(kind.__flags__ & _HEAP) and not kind.__flags__ & _IMMUTABLE and not makes_itself


def _of_class(original: Any) -> Callable[..., Any]:
    def called(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return original.__get__(None, cls)(*args, **kwargs)

    called.__name__, called.__qualname__, called.__doc__ = (
        original.__name__,
        original.__qualname__,
        original.__doc__,
    )
    return called


def _attribute(owner: Any, name: str) -> Any:
    return vars(owner)[name] if name in vars(owner) else getattr(owner, name)


@dataclass(slots=True)
class _Seen:
    """A watched call that is going on."""

    call: Call
    token: Token[int]
    number: int
    accesses: list[tuple[Access, Claim]] = field(default_factory=list)
    error: Exception | None = None


class _Watched:
    """What is done about the calls of one interceptor. Nothing here raises into the user's call."""

    def __init__(self, interceptors: Interceptors, interceptor: Interceptor) -> None:
        self._interceptors = interceptors
        self._interceptor = interceptor

    def before(
        self, attempt: Attempt, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> _Seen | None:
        mine, one = self._interceptors, self._interceptor
        if mine.is_off(one):
            return None
        if one.direct and not is_called_by_user(sys._getframe(1), one.module):  # noqa: SLF001
            return None
        call, number = Call(original, args, kwargs), next_claim()
        accesses: list[tuple[Access, Claim]] = []
        error = None
        if one.claims is not None:
            try:
                with paused():
                    accesses = mine.accesses(one.claims, call, one.via, number, attempt.opened)
            except Exception as raised:  # noqa: BLE001 - an adapter can be wrong; a flow must not notice
                error = raised
        if error is None and not accesses and one.after is None:
            return None
        if one.after is not None:
            attempt.nested[number] = claim_id.get()
        claim = number if error is None else claim_id.get()
        return _Seen(call, claim_id.set(claim), number, accesses, error)

    def failed(self, seen: _Seen) -> None:
        claim_id.reset(seen.token)
        pending.forget(access for access, _ in seen.accesses)  # nobody will ask for them
        attempt = current.get()
        if attempt is not None:
            attempt.opened.difference_update(
                (str(self._interceptors.target(claim.target)), claim.changes) for _, claim in seen.accesses
            )

    def after(self, attempt: Attempt, seen: _Seen, result: Any) -> None:
        claim_id.reset(seen.token)
        mine, one = self._interceptors, self._interceptor
        if seen.error is not None:  # a wrong call would have raised by itself, and that is no adapter's fault
            mine.failed(attempt, one, seen.error)
            return
        seen.call.result = result
        if one.after is not None:
            try:
                with paused():
                    seen.accesses += mine.accesses(
                        one.after, seen.call, one.via, seen.number, attempt.opened, settled=True
                    )
            except Exception as error:  # noqa: BLE001 - as in before()
                mine.failed(attempt, one, error)
        for access, claim in seen.accesses:
            self._describe(attempt, seen.call, access, claim)
            attempt.add(access)
            if access.operation == "open" and access.changes is not False:
                self._share(attempt, access, claim)

    def _share(self, attempt: Attempt, access: Access, claim: Claim) -> None:
        """What is opened inside a call that is known to read only is opened to be read."""
        inside_reading = access.claim and (self._interceptors.target(claim.target), False) in attempt.opened
        if not inside_reading:
            shared_opens.begin(attempt, access)

    def _describe(self, attempt: Attempt, call: Call, access: Access, claim: Claim) -> None:
        if claim.describe is None:
            return
        try:
            with paused():
                told = claim.describe(call) or Description()
            access.rows, access.schema, access.metadata = told.rows, told.schema, told.metadata
            access.type, access.version = told.type or access.type, told.version
        except Exception as error:  # noqa: BLE001 - the edge is right without its description
            self._interceptors.failed(attempt, self._interceptor, error)

    def outside(
        self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        after = self._interceptor.after
        if after is None or self._interceptors.is_off(self._interceptor):
            return
        try:
            for _ in after(Call(original, args, kwargs, result)):
                pass
        except Exception as error:  # noqa: BLE001 - as in before()
            self._interceptors.failed(None, self._interceptor, error)
