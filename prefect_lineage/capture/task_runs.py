"""The patches on Prefect's task engines.

What is patched, and why just that: the engines' ``start`` sees every task run from start to end, whatever
called it; their ``call_task_fn`` is exactly the span of one attempt's own code; the generator runners call the
function directly; and a roll-back comes after the end. All have had one signature from 3.6.29 to 3.9.1.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from contextvars import Token
from types import ModuleType
from typing import Any

from msgspec import Struct

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.border import (
    has_completed,
    is_failure,
    rolled_back,
    task_context,
    task_ended,
    task_place,
    task_started,
)
from prefect_lineage.capture.caching import CacheKeys
from prefect_lineage.capture.context import current
from prefect_lineage.capture.crossing import Crossing
from prefect_lineage.capture.generators import real_task, silent, stand_in_for, stepping
from prefect_lineage.capture.guard import guarded, unseen
from prefect_lineage.capture.passing import NOTHING_CAME, Arrival
from prefect_lineage.capture.patching import Patches, expect
from prefect_lineage.capture.recorder import Recorder, patience
from prefect_lineage.model.records import Record, RunRecord

__all__ = ["MARK", "TaskRuns"]

MARK = "__prefect_lineage__"
"""On a function: ``True`` captures its task whatever else is on, ``False`` keeps it out."""


class _Running(Struct, frozen=True):
    """A captured task run, from its engine's start to its end."""

    run: str
    job: str
    arrival: Arrival


class _Body(Struct):
    """The span of an attempt's own code.

    Attributes:
        attempt: None where it is not captured.
        token: what puts back the attempt around it; None where it was not changed.
    """

    attempt: Attempt | None
    token: Token[Attempt | None] | None
    completed: bool = False


class _Watched(Struct):
    """An engine's ``start``, from before a task run exists until its last state is set. A class: every run has one."""

    _runs: TaskRuns
    _engine: Any
    _inner: AbstractContextManager[None]
    _outer: Attempt | None = None

    def __enter__(self) -> None:
        self._engine.task = real_task(self._engine.task)
        self._outer = current.get()
        self._inner.__enter__()
        try:
            self._runs.began(self._engine, self._outer)
        except BaseException:  # a signal, which is Prefect's as if we were not there
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        try:
            return self._inner.__exit__(kind, error, trace)
        finally:
            self._runs.ended(self._engine, self._outer, left=kind is None)


class _WatchedAsync(Struct):
    """The same for the engine of coroutines."""

    _runs: TaskRuns
    _engine: Any
    _inner: AbstractAsyncContextManager[None]
    _outer: Attempt | None = None

    async def __aenter__(self) -> None:
        self._engine.task = real_task(self._engine.task)
        self._outer = current.get()
        await self._inner.__aenter__()
        try:
            self._runs.began(self._engine, self._outer)
        except BaseException:
            await self.__aexit__(*sys.exc_info())
            raise

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        try:
            return await self._inner.__aexit__(kind, error, trace)
        finally:
            self._runs.ended(self._engine, self._outer, left=kind is None)


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
        self._running: dict[int, _Running] = {}  # by engine
        self._arrivals: dict[str, Arrival] = {}
        self._stepped: set[str] = set()

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
        def start(engine: Any, *args: Any, **kwargs: Any) -> _Watched:
            return _Watched(self, engine, original(engine, *args, **kwargs))

        return start

    def _starting_async(
        self, original: Callable[..., AbstractAsyncContextManager[None]]
    ) -> Callable[..., Any]:
        @functools.wraps(original)
        def start(engine: Any, *args: Any, **kwargs: Any) -> _WatchedAsync:
            return _WatchedAsync(self, engine, original(engine, *args, **kwargs))

        return start

    @unseen
    def began(self, engine: Any, outer: Attempt | None) -> None:
        """A task run exists; ``outer`` is the attempt inside which it was called."""
        run = str(engine.task_run.id)
        arrival = self._crossing.arrival(run, getattr(engine, "context", None))
        if not self._wanted(engine.task):
            self._recorder.passing.unseen(run)
            return
        record = task_started(engine, run, outer, arrival.parent, self._recorder.redactor)
        self._running[id(engine)] = _Running(run, record.job or "", arrival)
        if arrival is not NOTHING_CAME:
            self._arrivals[run] = arrival
        self._recorder.begun(record)

    @unseen
    def ended(self, engine: Any, outer: Attempt | None, *, left: bool) -> None:
        """A task run is over, as far as this process has to do with it.

        Args:
            outer: the attempt inside which it was called.
            left: without an exception.
        """
        running = self._running.pop(id(engine), None)
        cache_key = self._cache_keys.taken(engine)
        if running is None:
            return
        if self._arrivals:
            self._arrivals.pop(running.run, None)
        stepped = running.run in self._stepped
        if stepped:
            self._stepped.discard(running.run)
        record, kept = task_ended(running.run, engine, cache_key, self._recorder.redactor, stepped=stepped)
        if left and kept is not None:
            result, cached = kept
            root = outer.root if outer is not None else ""
            self._recorder.passing.kept(running.run, record.attempt or 1, result, cached=cached, root=root)
        self._recorder.observed(Record(record, attempt=record.attempt or 1))
        if running.arrival.remote:
            # the flow that waits for it in another process may end, and have this one killed, before we wake up
            self._recorder.flush(patience())

    def _calling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call_task_fn(engine: Any, transaction: Any) -> Any:
            if transaction.is_committed():
                return original(engine, transaction)  # a cache hit: Prefect reads its own storage
            body = self._enter(engine)
            try:
                result = original(engine, transaction)
                self._returned(engine, body, result)
                return result
            finally:
                self._leave(body)

        return call_task_fn

    def _calling_async(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def call_task_fn(engine: Any, transaction: Any) -> Any:
            if transaction.is_committed():
                return await original(engine, transaction)
            body = self._enter(engine)
            try:
                result = await original(engine, transaction)
                self._returned(engine, body, result)
                return result
            finally:
                self._leave(body)

        return call_task_fn

    def _enter(self, engine: Any) -> _Body:
        """One attempt of a task begins: its function is about to be called."""
        running = self._running.get(id(engine))
        if running is None and not self._wanted(engine.task):
            return _Body(None, current.set(None))
        begun = self._begin_task_attempt(engine, running)
        return _Body(*begun) if begun is not None else _Body(None, None)

    def _returned(self, engine: Any, body: _Body, result: object) -> None:
        if body.attempt is not None:
            body.completed = has_completed(engine.task_run.state, result)
            self._recorder.passing.returned(body.attempt, result)

    def _leave(self, body: _Body) -> None:
        """Its function has returned or raised."""
        if body.token is not None:
            current.reset(body.token)
        if body.attempt is not None:
            attempt = body.attempt
            run = RunRecord(attempt.run, attempt=attempt.number)
            self._recorder.end_attempt(attempt, run, completed=body.completed)

    @guarded
    def _begin_task_attempt(
        self, engine: Any, running: _Running | None = None
    ) -> tuple[Attempt, Token[Attempt | None]] | None:
        task_run = engine.task_run
        job, storage = task_place(engine.task, running.job if running is not None else None)
        run = running.run if running is not None else str(task_run.id)
        arrival = running.arrival if running is not None else self._arrivals.get(run, NOTHING_CAME)
        attempt, token = self._recorder.begin_attempt(
            run,
            task_run.run_count or 1,
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
                task = stand_in_for(task, self._stepping(task.fn))
            elif self._everything():
                task = stand_in_for(task, silent(task.fn))
            return original(task, *args, **kwargs)

        return run_generator_task

    def _stepping(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return stepping(
            function,
            lambda _args, _kwargs: self._begin_generator(),
            self._yielded,
            self._end_generator,
            is_failure,
        )

    def _begin_generator(self) -> Attempt | None:
        found = task_context()
        if found is None:
            return None
        begun = self._begin_task_attempt(found)
        if begun is not None:
            self._stepped.add(begun[0].run)
            current.reset(begun[1])
        return begun[0] if begun is not None else None

    def _yielded(self, attempt: Attempt, value: object) -> None:
        self._recorder.passing.yielded(attempt, value)

    def _end_generator(self, attempt: Attempt, completed: bool) -> None:
        self._recorder.end_attempt(attempt, RunRecord(attempt.run), completed=completed)
