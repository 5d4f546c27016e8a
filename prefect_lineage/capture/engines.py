"""The patches on Prefect's engines.

What is patched, and why just that: the task engines' ``start`` sees every task run from start to end,
whatever called it; their ``call_task_fn`` is exactly the span of one attempt's own code; the generator runners
call the function directly; and ``EngineContext`` is entered for every flow run, also by the copy of
the flow engine that ``python -m prefect.flow_engine`` makes. All have had one signature from 3.6.29 to 3.9.1.
Nothing of Prefect is imported here: each module is patched when Prefect has imported it.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from contextvars import Token
from copy import copy
from types import ModuleType
from typing import Any

import wrapt

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.border import (
    flow_ended,
    flow_started,
    storage_of,
    task_context,
    task_ended,
    task_place,
    task_started,
)
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.generators import apart, silent, stepping
from prefect_lineage.capture.patching import Patches
from prefect_lineage.capture.recorder import FLUSH_SECONDS, LOOP_SECONDS, Recorder
from prefect_lineage.model.records import RunRecord

__all__ = ["MARK", "Engines"]

log = logging.getLogger("prefect_lineage")

MARK = "__prefect_lineage__"
"""On a function: ``True`` captures its task whatever else is on, ``False`` keeps it out."""


class Engines:
    """The patches on Prefect.

    Args:
        recorder: who records.
        everything: capture every run; else only tasks whose function carries :data:`MARK`.
    """

    def __init__(self, recorder: Recorder, *, everything: bool) -> None:
        self.recorder = recorder
        self.everything = everything
        self._patches: dict[str, Patches] = {}
        self._flows: dict[int, tuple[Attempt, Token[Attempt | None] | None]] = {}
        self._active = False
        self._patchers = {
            "prefect.context": self._patch_context,
            "prefect.task_engine": self._patch_engine,
            "prefect.flow_engine": self._patch_flow_generators,
        }

    def install(self) -> None:
        """Patch what Prefect has loaded, and the rest when it is."""
        self._active = True
        for name in self._patchers:
            if name in sys.modules:
                self._patch(sys.modules[name])
            else:
                wrapt.register_post_import_hook(self._patch, name)

    def remove(self) -> None:
        """Put every original back."""
        self._active = False
        while self._patches:
            self._patches.popitem()[1].restore()

    def _patch(self, module: ModuleType) -> None:
        if not self._active or module.__name__ in self._patches:
            return
        patches = Patches()
        try:
            self._patchers[module.__name__](module, patches)
        except (AttributeError, TypeError) as error:
            patches.restore()
            log.warning(
                "This release of Prefect is not known to prefect-lineage (%s: %s): only explicit calls are recorded.",
                module.__name__,
                error,
            )
        self._patches[module.__name__] = patches

    # -- tasks -----------------------------------------------------------------------------------

    def _patch_engine(self, module: ModuleType, patches: Patches) -> None:
        for engine in (module.SyncTaskRunEngine, module.AsyncTaskRunEngine):
            _expect(engine.start, "self", "task_run_id", "dependencies")
            _expect(engine.call_task_fn, "self", "transaction")
        sync, concurrent = module.SyncTaskRunEngine, module.AsyncTaskRunEngine
        patches.replace(sync, "start", self._starting(sync.start))
        patches.replace(concurrent, "start", self._starting_async(concurrent.start))
        patches.replace(sync, "call_task_fn", self._calling(sync.call_task_fn))
        patches.replace(concurrent, "call_task_fn", self._calling_async(concurrent.call_task_fn))
        for name in ("run_generator_task_sync", "run_generator_task_async"):
            patches.replace(module, name, self._generating(getattr(module, name)))

    def _wanted(self, task: Any) -> bool:
        mark = getattr(task.fn, MARK, None)
        return bool(mark) if mark is not None else self.everything

    def _starting(self, original: Callable[..., AbstractContextManager[None]]) -> Callable[..., Any]:
        @functools.wraps(original)
        @contextmanager
        def start(engine: Any, *args: Any, **kwargs: Any) -> Iterator[None]:
            outer = current.get()
            with self._task_run(engine, outer) as began, original(engine, *args, **kwargs):
                began()
                yield

        return start

    def _starting_async(
        self, original: Callable[..., AbstractAsyncContextManager[None]]
    ) -> Callable[..., Any]:
        @functools.wraps(original)
        @asynccontextmanager
        async def start(engine: Any, *args: Any, **kwargs: Any) -> AsyncIterator[None]:
            outer = current.get()
            with self._task_run(engine, outer) as began:
                async with original(engine, *args, **kwargs):
                    began()
                    yield

        return start

    @contextmanager
    def _task_run(self, engine: Any, outer: Attempt | None) -> Iterator[Callable[[], None]]:
        """From before a task run exists until its last state is set; the caller says when it exists."""
        described: list[RunRecord] = []

        def began() -> None:
            if self._wanted(engine.task):
                record = task_started(engine, outer)
                if record is not None:
                    described.append(record)
                    self.recorder.begin_run(record)

        try:
            yield began
        finally:
            for record in described:
                ended = task_ended(record, engine)
                if ended is not None:
                    self.recorder.end_run(ended)

    def _calling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call_task_fn(engine: Any, transaction: Any) -> Any:
            if transaction.is_committed():
                return original(engine, transaction)  # a cache hit: Prefect reads its own storage
            with self._body(engine) as returned:
                result = original(engine, transaction)
                returned(result)
                return result

        return call_task_fn

    def _calling_async(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def call_task_fn(engine: Any, transaction: Any) -> Any:
            if transaction.is_committed():
                return await original(engine, transaction)
            with self._body(engine) as returned:
                result = await original(engine, transaction)
                returned(result)
                return result

        return call_task_fn

    @contextmanager
    def _body(self, engine: Any) -> Iterator[Callable[[object], None]]:
        """One attempt of a task, from the call of its function to its return."""
        if not self._wanted(engine.task):
            with paused():
                yield lambda _: None
            return
        begun = self._begin_task_attempt(engine)
        if begun is None:
            yield lambda _: None
            return
        attempt, token = begun
        completed = False

        def returned(result: object) -> None:
            nonlocal completed
            completed = not _failed(engine)
            self.recorder.value_returned(attempt, result)

        try:
            yield returned
        finally:
            current.reset(token)
            self.recorder.end_attempt(attempt, RunRecord(attempt.run), completed=completed)

    def _begin_task_attempt(self, engine: Any) -> tuple[Attempt, Token[Attempt | None]] | None:
        run = engine.task_run
        described = task_place(engine.task)
        if described is None:
            return None
        job, storage = described
        attempt, token = self.recorder.begin_attempt(
            str(run.id), max(run.run_count, 1), job, storage, may_fail=True
        )
        self.recorder.values_passed(attempt, engine.parameters or {})
        return attempt, token

    def _generating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Generator tasks are suspended between yields, and then somebody else's code runs."""

        @functools.wraps(original)
        def run_generator_task(task: Any, *args: Any, **kwargs: Any) -> Any:
            if self._wanted(task):
                task = copy(task)
                task.fn = self._stepping(task.fn)
            elif self.everything:
                task = copy(task)
                task.fn = silent(task.fn)
            return original(task, *args, **kwargs)

        return run_generator_task

    def _stepping(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return stepping(
            function, lambda _args, _kwargs: self._begin_generator(), self._yielded, self._end_generator
        )

    def _begin_generator(self) -> Attempt | None:
        found = task_context()
        if found is None:
            return None
        begun = self._begin_task_attempt(found)
        if begun is not None:
            current.reset(begun[1])
        return begun[0] if begun is not None else None

    def _yielded(self, attempt: Attempt, value: object) -> None:
        self.recorder.value_returned(attempt, value)

    def _end_generator(self, attempt: Attempt, completed: bool) -> None:
        self.recorder.end_attempt(attempt, RunRecord(attempt.run), completed=completed)

    # -- flows -----------------------------------------------------------------------------------

    def _patch_context(self, module: ModuleType, patches: Patches) -> None:
        context = module.EngineContext
        patches.replace(context, "__enter__", self._entering(context.__enter__))
        patches.replace(context, "__exit__", self._exiting(context.__exit__))

    def _patch_flow_generators(self, module: ModuleType, patches: Patches) -> None:
        for name in ("run_generator_flow_sync", "run_generator_flow_async"):
            patches.replace(module, name, apart(getattr(module, name)))

    def _entering(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def __enter__(context: Any) -> Any:  # noqa: N807
            entered = original(context)
            self._flow_begins(context)
            return entered

        return __enter__

    def _exiting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def __exit__(context: Any, *exception: Any) -> Any:  # noqa: N807
            self._flow_ends(context, exception[1] if len(exception) > 1 else None)
            return original(context, *exception)

        return __exit__

    def _flow_begins(self, context: Any) -> None:
        run, flow = context.flow_run, context.flow
        if context.detached or run is None or flow is None or run.state is None or not run.state.is_running():
            return
        outer = current.get()
        record = flow_started(context, outer)
        if record is None:
            return
        self.recorder.begin_run(record)
        attempt, token = self.recorder.begin_attempt(
            record.id, max(run.run_count, 1), flow.name, storage_of(context.result_store)
        )
        if not self.everything:
            current.reset(token)
        self._flows[id(context)] = (attempt, token if self.everything else None)

    def _flow_ends(self, context: Any, exception: BaseException | None) -> None:
        attempt, token = self._flows.pop(id(context), (None, None))
        if attempt is None:
            return
        if token is not None:
            _leave(token)
        ended = flow_ended(attempt.run, context, exception)
        if ended is not None:
            run, completed = ended
            self.recorder.end_attempt(attempt, run, completed=completed)
        if current.get() is None:
            self.recorder.values.forget_held(attempt.run)
            self.recorder.flush(LOOP_SECONDS if _in_event_loop() else FLUSH_SECONDS)


def _leave(token: Token[Attempt | None]) -> None:
    try:
        current.reset(token)
    except ValueError:  # begun in another context, as a generator flow may be: there nothing is to be undone
        current.set(None)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _expect(function: Callable[..., Any], *names: str) -> None:
    found = tuple(inspect.signature(function).parameters)
    if found != names:
        raise TypeError(f"{function.__qualname__}{found} is not {names}")


def _failed(engine: Any) -> bool:
    state = engine.task_run.state
    return state is not None and (state.is_failed() or state.is_crashed() or state.is_cancelled())
