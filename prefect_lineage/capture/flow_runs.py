"""The patches on Prefect's flow runs.

``EngineContext`` is entered for every flow run, also by the copy of the flow engine that
``python -m prefect.flow_engine`` makes; what a flow returns is told by the engines' ``handle_success``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextvars import Token
from types import ModuleType
from typing import Any

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.border import flow_ended, flow_started, storage_of
from prefect_lineage.capture.context import current
from prefect_lineage.capture.crossing import Crossing
from prefect_lineage.capture.flow_maps import FlowMaps
from prefect_lineage.capture.generators import apart
from prefect_lineage.capture.guard import guarded
from prefect_lineage.capture.patching import Patches, expect
from prefect_lineage.capture.recorder import Recorder, patience

__all__ = ["FlowRuns"]


class FlowRuns:
    """Begins and ends flow runs.

    Args:
        recorder: who records.
        crossing: which values were resolved for a flow's parameters.
        everything: whether every flow is captured; else it only encloses the tasks that are.
    """

    def __init__(self, recorder: Recorder, crossing: Crossing, everything: Callable[[], bool]) -> None:
        self._recorder = recorder
        self._crossing = crossing
        self._everything = everything
        self._maps = FlowMaps(recorder.settings)
        self._flows: dict[int, tuple[Attempt, Token[Attempt | None] | None]] = {}

    def patchers(self) -> list[tuple[str, str, Callable[[ModuleType, Patches], None]]]:
        """Module, what is lost without the patch, and the patch."""
        return [
            ("prefect.context", "flow runs are not recorded", self._patch_context),
            ("prefect.flow_engine", "what generator flows do may go to their caller", self._patch_generators),
            ("prefect.flow_engine", "values that subflows return are not recorded", self._patch_returns),
        ]

    def _patch_context(self, module: ModuleType, patches: Patches) -> None:
        context = module.EngineContext
        patches.replace(context, "__enter__", self._entering(context.__enter__))
        patches.replace(context, "__exit__", self._exiting(context.__exit__))

    def _patch_returns(self, module: ModuleType, patches: Patches) -> None:
        sync, concurrent = module.FlowRunEngine, module.AsyncFlowRunEngine
        for engine in (sync, concurrent):
            expect(engine.handle_success, "self", "result")
        patches.replace(sync, "handle_success", self._succeeding(sync.handle_success))
        patches.replace(concurrent, "handle_success", self._succeeding(concurrent.handle_success))

    def _succeeding(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def handle_success(engine: Any, result: Any) -> Any:
            attempt = current.get()
            if attempt is not None and attempt.run == str(engine.flow_run.id):
                self._recorder.passing.returned(attempt, result, passes_on=True)
            return original(engine, result)

        return handle_success

    def _patch_generators(self, module: ModuleType, patches: Patches) -> None:
        for name in ("run_generator_flow_sync", "run_generator_flow_async"):
            patches.replace(module, name, apart(getattr(module, name)))

    def _entering(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def __enter__(context: Any) -> Any:  # noqa: N807
            entered = original(context)
            try:
                self._flow_begins(context)
            except BaseException:  # a signal, which is Prefect's as if we were not there
                context.__exit__(*sys.exc_info())
                raise
            return entered

        return __enter__

    def _exiting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def __exit__(context: Any, *exception: Any) -> Any:  # noqa: N807
            try:
                self._flow_ends(context, exception[1] if len(exception) > 1 else None)
            finally:
                left = original(context, *exception)
            return left

        return __exit__

    @guarded
    def _flow_begins(self, context: Any) -> None:
        run, flow = context.flow_run, context.flow
        if context.detached or run is None or flow is None or run.state is None or not run.state.is_running():
            return
        outer = current.get()
        record = flow_started(context, outer)
        if record is None:
            return
        self._recorder.begin_run(record)
        attempt, token = self._recorder.begin_attempt(
            record.id, max(run.run_count, 1), flow.name, storage_of(context.result_store)
        )
        if not self._everything():
            current.reset(token)
        self._flows[id(context)] = (attempt, token if self._everything() else None)
        if outer is not None:
            arrival = self._crossing.arrival(attempt.run)
            self._recorder.passing.passed(attempt, context.parameters or {}, arrival)

    @guarded
    def _flow_ends(self, context: Any, exception: BaseException | None) -> None:
        attempt, token = self._flows.pop(id(context), (None, None))
        if attempt is None:
            return
        if token is not None:
            _leave(token)
        ended = flow_ended(attempt.run, context, exception)
        if ended is not None:
            run, completed = ended
            self._recorder.end_attempt(attempt, run, completed=completed)
        if current.get() is None:
            self._recorder.passing.forget(attempt.run)
            self._recorder.flush(patience())
            self._maps.flow_ended(attempt.run, context.flow.name, context.flow_run.name)


def _leave(token: Token[Attempt | None]) -> None:
    try:
        current.reset(token)
    except ValueError:  # begun in another context, as a generator flow may be: there nothing is to be undone
        current.set(None)
