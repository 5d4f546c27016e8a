"""Adapters: calls of libraries that say more than the file accesses below them.

Plugins describe the calls (:mod:`prefect_lineage.interceptors`); here they are patched, and unpatched.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import wrapt

from prefect_lineage.capture.attempt import Access, Attempt, Operation, claim_id, next_claim, pending
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.patching import Patches
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor

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
        if isinstance(owner, type):
            owner = next((base for base in owner.__mro__ if name in vars(base)), owner)
        original = vars(owner)[name] if name in vars(owner) else getattr(owner, name)
        self._patches.replace(owner, name, self._like(original, interceptor))

    def _like(self, original: Any, interceptor: Interceptor) -> Any:
        """The replacement, bound to its class in the way that the original is."""
        if isinstance(original, staticmethod):
            return staticmethod(self._intercepting(original.__func__, interceptor))
        if isinstance(original, classmethod):
            return classmethod(self._intercepting(original.__func__, interceptor))
        return self._intercepting(original, interceptor)

    def _intercepting(self, original: Callable[..., Any], interceptor: Interceptor) -> Callable[..., Any]:
        @functools.wraps(original)
        def intercepted(*args: Any, **kwargs: Any) -> Any:
            attempt = current.get()
            if attempt is None:
                return original(*args, **kwargs)
            call = Call(original, args, kwargs)
            accesses = self._before(interceptor, call)
            if not accesses:
                return original(*args, **kwargs)
            if isinstance(accesses, Exception):
                result = original(*args, **kwargs)  # a wrong call raises here, and that is no adapter's fault
                self._failed(attempt, interceptor, accesses)
                return result
            token = claim_id.set(accesses[0][0].own)
            try:
                call.result = original(*args, **kwargs)
            except BaseException:
                pending.forget(access for access, _ in accesses)  # nobody will ask for them
                raise
            finally:
                claim_id.reset(token)
            self._after(attempt, interceptor, call, accesses)
            return call.result

        return intercepted

    def _before(self, interceptor: Interceptor, call: Call) -> list[tuple[Access, Claim]] | Exception:
        if self._errors.get(interceptor.via, 0) >= MAX_ERRORS:
            return []
        try:
            with paused():
                number = next_claim()
                return [
                    (self._access(claim, target, interceptor.via, number), claim)
                    for claim in interceptor.claims(call)
                    if (target := self._target(claim.target)) is not None
                ]
        except Exception as error:  # noqa: BLE001 - an adapter can be wrong; a flow must not notice
            return error

    def _access(self, claim: Claim, target: str, via: str, number: int) -> Access:
        access = self._prepare(claim.operation, target, via)
        access.claim, access.own = claim_id.get(), number
        access.format, access.type = claim.format, claim.type
        return access

    def _target(self, target: object) -> str | None:
        if isinstance(target, (str, bytes, os.PathLike)):
            return os.fsdecode(target)
        if target is None or hasattr(target, "read") or hasattr(target, "write"):
            return None
        return self._locate(target)

    def _after(
        self,
        attempt: Attempt,
        interceptor: Interceptor,
        call: Call,
        accesses: list[tuple[Access, Claim]],
    ) -> None:
        for access, claim in accesses:
            if claim.describe is not None:
                try:
                    with paused():
                        told = claim.describe(call) or Description()
                    access.rows, access.schema, access.metadata = told.rows, told.schema, told.metadata
                    access.type = told.type or access.type
                except Exception as error:  # noqa: BLE001 - the edge is right without its description
                    self._failed(attempt, interceptor, error)
            attempt.add(access)

    def _failed(self, attempt: Attempt, interceptor: Interceptor, error: Exception) -> None:
        attempt.missed(f"adapter failed: {interceptor.via}")
        count = self._errors[interceptor.via] = self._errors.get(interceptor.via, 0) + 1
        if count == 1:
            self.problems[interceptor.via] = repr(error)
            log.warning("The lineage adapter of %s failed: %r", interceptor.via, error)
