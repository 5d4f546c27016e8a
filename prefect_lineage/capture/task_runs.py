"""The patches on Prefect's task engines.

What is patched, and why just that: the engines' ``start`` sees every task run from start to end, whatever
called it; their ``call_task_fn`` is exactly the span of one attempt's own code; the generator runners call the
function directly; and a roll-back comes after the end. All have had one signature from 3.6.29 to 3.9.1.
"""

from __future__ import annotations

import functools
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

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.border import (
    is_failure,
    kept_result,
    rolled_back,
    task_context,
    task_ended,
    task_place,
    task_started,
)
from prefect_lineage.capture.caching import CacheKeys
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.crossing import Crossing
from prefect_lineage.capture.generators import silent, stepping
from prefect_lineage.capture.passing import Arrival
from prefect_lineage.capture.patching import Patches, expect
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.model.records import RunRecord

__all__ = ["MARK", "TaskRuns"]

MARK = "__prefect_lineage__"
"""On a function: ``True`` captures its task whatever else is on, ``False`` keeps it out."""


class TaskRuns:
    """Begins and ends task runs and their attempts.

    Args:
        recorder: who records.
        crossing: what has come from other processes.
        everything: whether every task is captured; else those whose function carries :data:`MARK`.
    """

    def __init__(self, recorder: Recorder, crossing: Crossing, everything: Callable[[], bool]) -> None:
        self._recorder = recorder
        self._crossing = crossing
        self._everything = everything
        self._cache_keys = CacheKeys()
        self._arrivals: dict[str, Arrival] = {}

    def patchers(self) -> list[tuple[str, str, Callable[[ModuleType, Patches], None]]]:
        """Module, what is lost without the patch, and the patch."""
        return [
            ("prefect.task_engine", "task runs are not recorded", self._patch_engines),
            ("prefect.task_engine", "roll-backs are not recorded", self._patch_rollbacks),
            *self._cache_keys.patchers(),
        ]

    def _patch_engines(self, module: ModuleType, patches: Patches) -> None:
        for engine in (module.SyncTaskRunEngine, module.AsyncTaskRunEngine):
            expect(engine.start, "self", "task_run_id", "dependencies")
            expect(engine.call_task_fn, "self", "transaction")
        sync, concurrent = module.SyncTaskRunEngine, module.AsyncTaskRunEngine
        patches.replace(sync, "start", self._starting(sync.start))
        patches.replace(concurrent, "start", self._starting_async(concurrent.start))
        patches.replace(sync, "call_task_fn", self._calling(sync.call_task_fn))
        patches.replace(concurrent, "call_task_fn", self._calling_async(concurrent.call_task_fn))
        for name in ("run_generator_task_sync", "run_generator_task_async"):
            patches.replace(module, name, self._generating(getattr(module, name)))

    def _patch_rollbacks(self, module: ModuleType, patches: Patches) -> None:
        """A roll-back comes after the end of a run."""
        engine = module.BaseTaskRunEngine
        expect(engine.handle_rollback, "self", "txn")
        original = engine.handle_rollback

        @functools.wraps(original)
        def handle_rollback(engine: Any, txn: Any) -> None:
            original(engine, txn)
            if self._wanted(engine.task):
                record = rolled_back(engine)
                if record is not None:
                    self._recorder.end_run(record)

        patches.replace(engine, "handle_rollback", handle_rollback)

    def _wanted(self, task: Any) -> bool:
        mark = getattr(task.fn, MARK, None)
        return bool(mark) if mark is not None else self._everything()

    def _starting(self, original: Callable[..., AbstractContextManager[None]]) -> Callable[..., Any]:
        @functools.wraps(original)
        @contextmanager
        def start(engine: Any, *args: Any, **kwargs: Any) -> Iterator[None]:
            with self._task_run(engine) as (began, finished), original(engine, *args, **kwargs):
                began()
                yield
                finished()

        return start

    def _starting_async(
        self, original: Callable[..., AbstractAsyncContextManager[None]]
    ) -> Callable[..., Any]:
        @functools.wraps(original)
        @asynccontextmanager
        async def start(engine: Any, *args: Any, **kwargs: Any) -> AsyncIterator[None]:
            with self._task_run(engine) as (began, finished):
                async with original(engine, *args, **kwargs):
                    began()
                    yield
                    finished()

        return start

    @contextmanager
    def _task_run(self, engine: Any) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
        """From before a task run exists until its last state is set; the caller says when it has begun and finished."""
        outer = current.get()
        described: list[RunRecord] = []

        def began() -> None:
            run = str(engine.task_run.id)
            arrival = self._crossing.arrival(run, getattr(engine, "context", None))
            if not self._wanted(engine.task):
                self._recorder.passing.unseen(run)
                return
            record = task_started(engine, outer, arrival.parent)
            if record is not None:
                described.append(record)
                self._arrivals[run] = arrival
                self._recorder.begin_run(record)

        def finished() -> None:
            if described:
                self._keep(engine)

        try:
            yield began, finished
        finally:
            for record in described:
                self._arrivals.pop(record.id, None)
                ended = task_ended(record, engine, self._cache_keys.taken(record.id))
                if ended is not None:
                    self._recorder.end_run(ended)

    def _keep(self, engine: Any) -> None:
        kept = kept_result(engine)
        if kept is not None:
            result, cached = kept
            run = engine.task_run
            self._recorder.passing.kept(str(run.id), max(run.run_count, 1), result, cached=cached)

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
            completed = not _failed(engine) and not is_failure(result)
            self._recorder.passing.returned(attempt, result)

        try:
            yield returned
        finally:
            current.reset(token)
            self._recorder.end_attempt(attempt, RunRecord(attempt.run), completed=completed)

    def _begin_task_attempt(self, engine: Any) -> tuple[Attempt, Token[Attempt | None]] | None:
        run = engine.task_run
        described = task_place(engine.task)
        if described is None:
            return None
        job, storage = described
        arrival = self._arrivals.get(str(run.id)) or Arrival()
        attempt, token = self._recorder.begin_attempt(
            str(run.id),
            max(run.run_count, 1),
            job,
            storage,
            may_fail=True,
            remote=arrival.remote,
            root=arrival.root,
        )
        self._recorder.passing.passed(attempt, engine.parameters or {}, arrival)
        return attempt, token

    def _generating(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Generator tasks are suspended between yields, and then somebody else's code runs."""

        @functools.wraps(original)
        def run_generator_task(task: Any, *args: Any, **kwargs: Any) -> Any:
            if self._wanted(task):
                task = copy(task)
                task.fn = self._stepping(task.fn)
            elif self._everything():
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
        self._recorder.passing.yielded(attempt, value)

    def _end_generator(self, attempt: Attempt, completed: bool) -> None:
        self._recorder.end_attempt(attempt, RunRecord(attempt.run), completed=completed)


def _failed(engine: Any) -> bool:
    state = engine.task_run.state
    return state is not None and (state.is_failed() or state.is_crashed() or state.is_cancelled())
