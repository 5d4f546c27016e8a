"""The parts of a task's cache key, as Prefect computes them: what would have to change for a run to be done anew."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from msgspec import Struct

from prefect_lineage.capture.patching import Patches, expect

__all__ = ["CacheKey", "CacheKeys"]

_parts: ContextVar[dict[str, object] | None] = ContextVar("prefect_lineage_cache_parts", default=None)


class CacheKey(Struct, frozen=True):
    """The key under which a task run looks for its result, and what each policy says of it."""

    key: str
    parts: dict[str, object]

    def told(self) -> dict[str, Any]:
        """``{"key": …, "parts": {policy: key}}``."""
        return {
            "key": self.key,
            "parts": {policy: part for policy, part in self.parts.items() if isinstance(part, str)},
        }


class CacheKeys:
    """The patches on Prefect's cache policies. Nothing is computed that Prefect does not compute anyway."""

    def __init__(self) -> None:
        self._keys: dict[int, CacheKey] = {}  # by engine

    def patchers(self) -> list[tuple[str, str, Callable[[ModuleType, Patches], None]]]:
        """Module, what is lost without the patch, and the patch."""
        loss = "the parts of cache keys are not recorded"
        return [
            ("prefect.cache_policies", loss, self._patch_policies),
            ("prefect.task_engine", loss, self._patch_engine),
        ]

    def taken(self, engine: Any) -> CacheKey | None:
        """The cache key of the task run of an engine; to be asked for at its end."""
        return self._keys.pop(id(engine), None)

    @staticmethod
    def _patch_policies(module: ModuleType, patches: Patches) -> None:
        compound = (module.CachePolicy, module.CompoundCachePolicy)
        found: list[Any] = [policy for policy in vars(module).values() if isinstance(policy, type)]
        for policy in found:
            if issubclass(policy, module.CachePolicy) and policy not in compound:
                patches.replace(policy, "compute_key", _noting(policy.compute_key))

    def _patch_engine(self, module: ModuleType, patches: Patches) -> None:
        original = module.BaseTaskRunEngine.compute_transaction_key
        expect(original, "self")

        @functools.wraps(original)
        def compute_transaction_key(engine: Any) -> Any:
            parts: dict[str, object] = {}
            token = _parts.set(parts)
            try:
                key = original(engine)
            finally:
                _parts.reset(token)
            if key is not None and parts:  # it is a text then
                self._keys[id(engine)] = CacheKey(key, parts)
            elif self._keys:
                self._keys.pop(id(engine), None)  # of an engine that was there before, and ended unseen
            return key

        patches.replace(module.BaseTaskRunEngine, "compute_transaction_key", compute_transaction_key)


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def compute_key(policy: Any, *args: Any, **kwargs: Any) -> Any:
        key = original(policy, *args, **kwargs)
        parts = _parts.get()
        if parts is not None and key is not None:
            parts[type(policy).__name__] = key
        return key

    return compute_key
