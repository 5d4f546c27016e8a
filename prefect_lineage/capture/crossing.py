"""What crosses from process to process when Prefect runs a task elsewhere, and what Prefect resolves on the way.

The runner's own vehicle is used: the dictionary in which it serialises its context takes one more plain entry,
which a process without this package ignores. It says who called, and which values were recognised by the tokens
under which their producers recorded them. Futures and states are resolved by one function of Prefect's, which
knows the parameter: that is where a value meets its producer even if it is a number.
"""

from __future__ import annotations

import functools
import inspect
import pydoc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import TYPE_CHECKING, Any

from prefect_lineage.capture.border import producer_of
from prefect_lineage.capture.context import current
from prefect_lineage.capture.guard import guarded
from prefect_lineage.capture.passing import NOTHING_CAME, Arrival
from prefect_lineage.capture.patching import Patches, expect

if TYPE_CHECKING:
    from prefect_lineage.capture.recorder import Recorder

__all__ = ["Crossing"]

_KEY = "prefect_lineage"
"""Our entry in the serialised context."""

Resolved = Callable[[tuple[str, str, object]], object]
"""Told the parameter, the producing run and the value of each future or state that is resolved."""

_resolved: ContextVar[Resolved | None] = ContextVar("prefect_lineage_resolved", default=None)
_handed: ContextVar[list[tuple[str, str]]] = ContextVar("prefect_lineage_handed", default=[])  # noqa: B039 - never changed
_arrived: ContextVar[Mapping[str, Any] | None] = ContextVar("prefect_lineage_arrived", default=None)


class Crossing:
    """The patches on what takes runs and values to other processes and back."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._resolutions: dict[str, list[tuple[str, str, object]]] = {}

    def patchers(self) -> list[tuple[str, str, Callable[[ModuleType, Patches], None]]]:
        """Module, what is lost without the patch, and the patch."""
        values = "some values passed between runs are not recorded"
        afar = "values passed to runs in other processes are not recorded"
        return [
            ("prefect.utilities.engine", values, self._patch_resolving),
            ("prefect.task_engine", values, self._patch_resolving),
            ("prefect.flow_engine", values, self._patch_resolving),
            ("prefect.task_engine", values, self._patch_task_parameters),
            ("prefect.flow_engine", values, self._patch_flow_parameters),
            ("prefect.states", values, self._patch_states),
            ("prefect.context", afar, self._patch_context),
            ("prefect.tasks", afar, self._patch_tasks),
            ("prefect.task_runners", afar, self._patch_runners),
            ("prefect_dask.client", afar, self._patch_serializing),
            ("prefect_dask.task_runners", afar, self._patch_dask),
            ("prefect_ray.task_runners", afar, self._patch_ray),
        ]

    # -- for those who begin runs -----------------------------------------------------------------

    @staticmethod
    @contextmanager
    def resolving(told: Resolved) -> Iterator[None]:
        """What the runner resolves in this block is told."""
        token = _resolved.set(told)
        try:
            yield
        finally:
            _resolved.reset(token)

    def arrival(self, run: str, context: object = None) -> Arrival:
        """What has come with the arguments of a run.

        Args:
            context: the runner's serialised context, if the engine was given one.
        """
        is_given = context is not None and isinstance(context, dict)
        came = context.get(_KEY) if is_given else None  # type: ignore[attr-defined]
        if came is None:
            waiting = _arrived.get()
            came = waiting if waiting is not None and waiting.get("task_run") == run else None
        resolved = self._resolutions.pop(run, None) if self._resolutions else None
        if came is None and resolved is None and not is_given:
            return NOTHING_CAME
        arrival = Arrival(resolved or [], remote=came is not None or _is_whole(context))
        if isinstance(came, Mapping):
            arrival.parent, arrival.root = came.get("parent"), came.get("root")
            arrival.tokens = [(str(parameter), str(token)) for parameter, token in came.get("passed", ())]
        return arrival

    # -- values -------------------------------------------------------------------------------------

    def _patch_resolving(self, module: ModuleType, patches: Patches) -> None:
        patches.replace(module, "resolve_to_final_result", self._resolving(module.resolve_to_final_result))

    def _resolving(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def resolve_to_final_result(expr: Any, context: dict[str, Any]) -> Any:
            value = original(expr, context)
            if value is expr:
                return value  # mostly
            told = _resolved.get()
            if told is not None and "parameter_name" in context:
                producer = producer_of(expr)
                if producer is not None:
                    told((context["parameter_name"], producer, value))
            return value

        return resolve_to_final_result

    def _patch_task_parameters(self, module: ModuleType, patches: Patches) -> None:
        self._patch_parameters(module.BaseTaskRunEngine, "task_run", patches)

    def _patch_flow_parameters(self, module: ModuleType, patches: Patches) -> None:
        for engine in (module.FlowRunEngine, module.AsyncFlowRunEngine):
            self._patch_parameters(engine, "flow_run", patches)

    def _patch_parameters(self, owner: Any, run: str, patches: Patches) -> None:
        original = owner._resolve_parameters  # noqa: SLF001 - where futures become arguments
        expect(original, "self")

        @functools.wraps(original)
        def _resolve_parameters(engine: Any) -> Any:
            found: list[tuple[str, str, object]] = []
            token = _resolved.set(found.append)
            try:
                resolved = original(engine)
            finally:
                _resolved.reset(token)
            if found:
                self._resolutions[str(getattr(engine, run).id)] = found
            return resolved

        patches.replace(owner, "_resolve_parameters", _resolve_parameters)

    def _patch_states(self, module: ModuleType, patches: Patches) -> None:
        original = module.get_state_result
        passing = self._recorder.passing

        @functools.wraps(original)
        async def get_state_result(state: Any, *args: Any, **kwargs: Any) -> Any:
            value = await original(state, *args, **kwargs)
            producer = producer_of(state)
            if producer is not None:
                passing.delivered(producer, value)
            return value

        patches.replace(module, "get_state_result", get_state_result)

    # -- contexts -----------------------------------------------------------------------------------

    def _patch_context(self, module: ModuleType, patches: Patches) -> None:
        patches.replace(module, "hydrated_context", _hydrating(module.hydrated_context))
        self._patch_serializing(module, patches)

    def _patch_serializing(self, module: ModuleType, patches: Patches) -> None:
        patches.replace(module, "serialize_context", _serializing(module.serialize_context))

    # -- runners -------------------------------------------------------------------------------------

    def _patch_tasks(self, module: ModuleType, patches: Patches) -> None:
        self._patch_serializing(module, patches)
        original = module.Task.apply_async
        expect(original, "self", "args", "kwargs", "wait_for", "dependencies")

        @functools.wraps(original)
        def apply_async(task: Any, args: Any = None, kwargs: Any = None, *rest: Any, **more: Any) -> Any:
            with self._handing(_called_with(task, args or (), kwargs or {}) or {}):
                return original(task, args, kwargs, *rest, **more)

        patches.replace(module.Task, "apply_async", apply_async)

    def _patch_dask(self, module: ModuleType, patches: Patches) -> None:
        self._patch_submit(module.DaskTaskRunner, patches)

    def _patch_ray(self, module: ModuleType, patches: Patches) -> None:
        self._patch_serializing(module, patches)
        self._patch_submit(module.RayTaskRunner, patches)

    def _patch_submit(self, runner: Any, patches: Patches) -> None:
        original = runner.submit
        expect(original, "self", "task", "parameters", "wait_for", "dependencies")

        @functools.wraps(original)
        def submit(runner: Any, task: Any, parameters: dict[str, Any], *rest: Any, **more: Any) -> Any:
            with self._handing(parameters):
                return original(runner, task, parameters, *rest, **more)

        patches.replace(runner, "submit", submit)

    @contextmanager
    def _handing(self, parameters: Mapping[str, object]) -> Iterator[None]:
        token = _handed.set(self._recorder.passing.handed_over(parameters) or [])
        try:
            yield
        finally:
            _handed.reset(token)

    def _patch_runners(self, module: ModuleType, patches: Patches) -> None:
        """The process pool: futures are resolved in a thread of the parent, after the context was serialised."""
        pool = module.ProcessPoolTaskRunner
        original = pool._resolve_futures_and_submit  # noqa: SLF001 - nothing public sees the run's id and its arguments
        expect(
            original,
            *("self", "task", "task_run_id", "parameters", "wait_for", "dependencies", "context", "env"),
        )
        handed_over = self._recorder.passing.handed_over

        @functools.wraps(original)
        def _resolve_futures_and_submit(runner: Any, **given: Any) -> Any:
            passed = handed_over(given["parameters"]) or []
            came = {
                **(given["context"].get(_KEY) or {}),
                "task_run": str(given["task_run_id"]),
                "passed": passed,
            }
            given["context"] = {**given["context"], _KEY: came}

            def resolved(found: tuple[str, str, object]) -> None:
                passed.extend(handed_over({}, [found]) or ())

            with self.resolving(resolved):
                return original(runner, **given)

        patches.replace(pool, "_resolve_futures_and_submit", _resolve_futures_and_submit)


def _is_whole(context: object) -> bool:
    """Whether it was made by a process that captures nothing: the thread pool passes on a part of one only."""
    return isinstance(context, dict) and "settings_context" in context


class _Switch:
    """Switches capture on in the process that unpickles it; where this package is not installed it is None."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return pydoc.safeimport, ("prefect_lineage.capture.arrived",)


def _serializing(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(original)
    def serialize_context(*args: Any, **kwargs: Any) -> dict[str, Any]:
        serialized = original(*args, **kwargs)
        attempt = current.get()
        if attempt is not None and isinstance(serialized, dict):
            serialized[_KEY] = {"parent": attempt.run, "root": attempt.root, "passed": _handed.get()}
            serialized[f"{_KEY}_on"] = _Switch()
        return serialized

    return serialize_context


def _hydrating(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    @contextmanager
    def hydrated_context(serialized_context: Any = None, *args: Any, **kwargs: Any) -> Iterator[None]:
        came = serialized_context.get(_KEY) if isinstance(serialized_context, dict) else None
        token = _arrived.set(
            came if came is not None else _arrived.get()
        )  # the engine enters one more, empty
        try:
            with original(serialized_context, *args, **kwargs):
                yield
        finally:
            _arrived.reset(token)

    return hydrated_context


@guarded
def _called_with(task: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, object]:
    return inspect.signature(task.fn).bind_partial(*args, **kwargs).arguments
