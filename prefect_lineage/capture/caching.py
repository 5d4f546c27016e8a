"""The parts of a task's cache key, as Prefect computes them: what would have to change for a run to be done anew."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from prefect_lineage.capture.patching import Patches, expect

__all__ = ["CacheKeys"]

_parts: ContextVar[dict[str, str] | None] = ContextVar("prefect_lineage_cache_parts", default=None)


class CacheKeys:
    """The patches on Prefect's cache policies. Nothing is computed that Prefect does not compute anyway."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str, Any]] = {}

    def patchers(self) -> list[tuple[str, str, Callable[[ModuleType, Patches], None]]]:
        """Module, what is lost without the patch, and the patch."""
        loss = "the parts of cache keys are not recorded"
        return [
            ("prefect.cache_policies", loss, self._patch_policies),
            ("prefect.task_engine", loss, self._patch_engine),
        ]

    def taken(self, run: str) -> dict[str, Any] | None:
        """The cache key of a task run, ``{"key": …, "parts": {policy: key}}``; asked for once."""
        return self._keys.pop(run, None)

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
            parts: dict[str, str] = {}
            token = _parts.set(parts)
            try:
                key = original(engine)
            finally:
                _parts.reset(token)
            if isinstance(key, str) and parts:
                self._keys[str(engine.task_run.id)] = {"key": key, "parts": parts}
            return key

        patches.replace(module.BaseTaskRunEngine, "compute_transaction_key", compute_transaction_key)


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def compute_key(policy: Any, *args: Any, **kwargs: Any) -> Any:
        key = original(policy, *args, **kwargs)
        parts = _parts.get()
        if parts is not None and isinstance(key, str):
            parts[type(policy).__name__] = key
        return key

    return compute_key
