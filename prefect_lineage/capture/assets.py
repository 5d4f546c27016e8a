"""Prefect's assets: what tasks are declared to make and to need becomes edges.

``@materialize(…)`` names outputs, ``asset_deps=[…]`` names inputs, and Prefect hands assets on from task to
task. Prefect itself draws them in its Cloud only; its library keeps them all the same, in the asset context
that surrounds each attempt of a task.

The key of an asset is a URI, and so it is the same artifact as the file or object that capture sees written
there. An asset of which capture sees nothing is one version per run that materialised it, and whoever needs it
means the version that was there when it began: that is looked up by the store, under the asset's *token*.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.border import is_failure, result_key
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.digests import unhashed
from prefect_lineage.capture.fingerprints import Fingerprint, fingerprint
from prefect_lineage.capture.generators import stand_in_for, stepping
from prefect_lineage.capture.guard import guarded
from prefect_lineage.capture.identity import local_path
from prefect_lineage.capture.parameters import bounded_each
from prefect_lineage.capture.patching import Patches, expect
from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.times import now

if TYPE_CHECKING:
    from prefect_lineage.capture.recorder import Recorder

__all__ = ["Assets"]

_UNKNOWN = Content("unknown:", covers="none")
"""The content of a place of which nobody recorded what was put there."""

_FILES = ("file://", "s3://", "gs://", "abfs://", "wasbs://", "oss://")


Patcher = tuple[str, str, Callable[[ModuleType, Patches], None]]


_MAX_MEMBERS = 10_000
"""Files and directories below a declared directory that are hashed for it."""


@dataclass(slots=True)
class _Work:
    """The assets of an attempt that runs.

    Attributes:
        context: Prefect's asset context.
        began: microseconds since the epoch, UTC.
        inputs: what it needs, as found when it began.
        before: the files that it is to make, as they were when it began.
    """

    attempt: Attempt
    context: Any
    began: int
    inputs: list[EdgeRecord] = field(default_factory=list)
    before: dict[str, Fingerprint | None] = field(default_factory=dict)


class Assets:
    """The patches by which assets are declared.

    Args:
        recorder: who records.
        wanted: whether a task is captured.
    """

    def __init__(self, recorder: Recorder, wanted: Callable[[Any], bool]) -> None:
        self._recorder = recorder
        self._wanted = wanted
        self._made: set[str] = set()  # tokens that this process has given

    def around(self, attempts: Iterable[Patcher]) -> list[Patcher]:
        """Module, what is lost without the patch, and the patch, of ours and of those that capture the attempts.

        A call is patched before, a generator after: so that both run inside of what makes their attempt the
        current one, and assets are declared while it is open.
        """
        loss = "assets are not recorded"
        return [
            ("prefect.task_engine", loss, self._patch_calls),
            *attempts,
            ("prefect.task_engine", loss, self._patch_generators),
        ]

    def _patch_calls(self, module: ModuleType, patches: Patches) -> None:
        context = module.AssetContext
        sync, concurrent = module.SyncTaskRunEngine, module.AsyncTaskRunEngine
        for engine in (sync, concurrent):
            expect(engine.call_task_fn, "self", "transaction")
        patches.replace(sync, "call_task_fn", self._calling(sync.call_task_fn, context.get))
        patches.replace(concurrent, "call_task_fn", self._calling_async(concurrent.call_task_fn, context.get))

    def _patch_generators(self, module: ModuleType, patches: Patches) -> None:
        for name in ("run_generator_task_sync", "run_generator_task_async"):
            generating = self._generating(getattr(module, name), module.AssetContext.get)
            patches.replace(module, name, generating)

    def _calling(self, original: Callable[..., Any], context: Callable[[], Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call_task_fn(engine: Any, transaction: Any) -> Any:
            if not _has_assets(engine.task):
                return original(engine, transaction)
            with self._attempt(engine, context(), cached=transaction.is_committed()) as returned:
                result = original(engine, transaction)
                returned(result)
                return result

        return call_task_fn

    def _calling_async(self, original: Callable[..., Any], context: Callable[[], Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def call_task_fn(engine: Any, transaction: Any) -> Any:
            if not _has_assets(engine.task):
                return await original(engine, transaction)
            with self._attempt(engine, context(), cached=transaction.is_committed()) as returned:
                result = await original(engine, transaction)
                returned(result)
                return result

        return call_task_fn

    @contextmanager
    def _attempt(self, engine: Any, context: Any, *, cached: bool) -> Iterator[Callable[[object], None]]:
        work = None if cached else self._begin(str(engine.task_run.id), context)
        completed = False

        def returned(result: object) -> None:
            nonlocal completed
            completed = not is_failure(result)
            if cached and self._wanted(engine.task):
                self._found_in_cache(engine, context)

        try:
            yield returned
        finally:
            if work is not None:
                self._end(work, completed=completed, engine=engine)

    def _generating(self, original: Callable[..., Any], context: Callable[[], Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def run_generator_task(task: Any, *args: Any, **kwargs: Any) -> Any:
            if _has_assets(task):
                task = stand_in_for(task, self._stepping(task.fn, context))
            return original(task, *args, **kwargs)

        return run_generator_task

    def _stepping(self, function: Callable[..., Any], context: Callable[[], Any]) -> Callable[..., Any]:
        works: dict[int, _Work] = {}  # by attempt: one task may run many times at once

        def begin(_args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Attempt | None:
            found = context()
            work = self._begin(str(found.task_run_id), found) if found is not None else None
            if work is None:
                return None
            works[id(work.attempt)] = work
            return work.attempt

        def end(attempt: Attempt, completed: bool) -> None:
            self._end(works.pop(id(attempt)), completed=completed)

        return stepping(function, begin, lambda _attempt, _value: None, end, is_failure)

    # -- edges -----------------------------------------------------------------------------------

    @guarded
    def _begin(self, run: str, context: Any) -> _Work | None:
        """What the attempt that is current needs, and how what it is to make looks before it."""
        attempt = current.get()
        if context is None or attempt is None or attempt.run != run:
            return None  # this task is not captured
        work = _Work(attempt, context, now())
        with paused():
            needed = {asset.key for asset in context.direct_asset_dependencies}
            work.inputs += [self._input(work, key, "declared", "asset_deps") for key in sorted(needed)]
            if context.downstream_assets:  # where nothing is materialised, Prefect only hands them on
                handed = {asset.key for asset in context.upstream_assets} - needed
                work.inputs += [
                    self._input(work, key, "inferred", "asset upstream") for key in sorted(handed)
                ]
            for asset in context.downstream_assets:
                path = local_path(asset.key)
                if path is not None:
                    work.before[path] = fingerprint(path)
        return work

    @guarded
    def _end(self, work: _Work, *, completed: bool, engine: Any = None) -> None:
        """Declare what the attempt needed and made; what it made is recorded when the attempt ends."""
        attempt = work.attempt
        with paused():
            names = {asset.key.rpartition("/")[2] for asset in _all(work.context)}
            touched = [access for access in attempt.accesses if access.target.rpartition("/")[2] in names]
            read = self._places(access.target for access in touched if not access.writes)
            written = self._places(access.target for access in touched if access.writes)
            inputs = [edge for edge in work.inputs if edge.how == "declared" or edge.location.uri not in read]
            outputs = [
                self._output(work, asset, written, _cache_key(engine), completed=completed)
                for asset in _sorted(work.context.downstream_assets)
            ]
        attempt.declared += inputs
        attempt.declared += [edge for edge in outputs if edge is not None]
        self._made.update(token for edge in outputs if edge is not None for token in edge.tokens[:1])
        if inputs:
            with paused():
                self._recorder.write(Record(RunRecord(attempt.run), attempt.number, tuple(inputs)))

    @guarded
    def _found_in_cache(self, engine: Any, context: Any) -> None:
        """A run had its result from the cache: the assets are those that were made with that result."""
        key = _cache_key(engine)
        if key is None or context is None:
            return
        edges = tuple(
            EdgeRecord.referring(
                _made_with(key, self._recorder.observing.location(asset.key)),
                direction="output",
                how="declared",
                via="cache",
                at=now(),
            )
            for asset in _sorted(context.downstream_assets)
        )
        if edges:
            run = engine.task_run
            with paused():
                self._recorder.write(Record(RunRecord(str(run.id)), max(run.run_count, 1), edges))

    def _input(self, work: _Work, key: str, how: Any, via: str) -> EdgeRecord:
        """A local file is what it is; anything else is the version last materialised, or else an unknown one."""
        location = self._recorder.observing.location(key)
        path = local_path(key)
        content = self._content(path, work.attempt.run) if path is not None else None
        token = _token(location) if content is None else None
        if token in self._made:
            return EdgeRecord.referring(token, direction="input", how=how, via=via, at=work.began)
        kind = _type(location, content)
        content = content or _UNKNOWN
        return EdgeRecord(location, content, "input", how, via, type=kind, at=work.began, refers=token)

    def _content(self, path: str, run: str) -> Content | None:
        """What lies there; None where nothing does, or more than the task should wait for."""
        return self._recorder.digester.of_file(path, run) if _is_bounded(path) else None

    def _output(
        self, work: _Work, asset: Any, written: dict[str, str], key: str | None, *, completed: bool
    ) -> EdgeRecord | None:
        """What was made there; None for a file that an attempt did not come to make before it failed."""
        location = self._recorder.observing.location(asset.key)
        path, run = local_path(asset.key), work.attempt.run
        if path is not None:
            if not completed and location.uri not in written and fingerprint(path) == work.before[path]:
                return None
            content = self._content(path, run) or unhashed(run, location.uri)
        else:  # the very version that capture saw written, if it did
            content = unhashed(run, written.get(location.uri, location.uri))
        tokens = [_token(location)] + ([_made_with(key, location)] if key is not None else [])
        return EdgeRecord(
            location,
            content,
            "output",
            "declared",
            "materialize",
            type=_type(location, content),
            at=now(),
            tokens=tuple(tokens) if completed else (),
            **self._properties(work.context, asset),
        )

    def _properties(self, context: Any, asset: Any) -> dict[str, Any]:
        """Description and metadata: what the user added in this run, and under ``asset`` what the asset is."""
        told = asset.properties
        properties = {name: getattr(told, name, None) for name in ("name", "url", "owners")}
        properties["by"] = context.materialized_by
        metadata = {**(context.materialization_metadata.get(asset.key) or {})}
        found = {name: value for name, value in properties.items() if value}
        if found:
            metadata["asset"] = found
        redactor = self._recorder.redactor
        description = getattr(told, "description", None)
        return {
            "metadata": redactor.data(bounded_each(metadata)),
            "description": redactor.text(description) if description else None,
        }

    def _places(self, targets: Iterable[str]) -> dict[str, str]:
        """The places of accesses by their canonical URI, as they were written."""
        return {self._recorder.observing.location(target).uri: target for target in dict.fromkeys(targets)}


def _has_assets(task: Any) -> bool:
    try:
        return bool(
            task.asset_deps or getattr(task, "assets", None)
        )  # tasks that make none have no such attribute
    except AttributeError:
        return False


def _is_bounded(path: str) -> bool:
    """Whether it is no directory, or one of few files: ``file:///`` is a key as good as any."""
    files = itertools.islice((name for _, _, names in os.walk(path) for name in (*names, "")), _MAX_MEMBERS)
    return sum(1 for _ in files) < _MAX_MEMBERS


def _all(context: Any) -> Iterable[Any]:
    return (*context.downstream_assets, *context.direct_asset_dependencies, *context.upstream_assets)


def _sorted(assets: Iterable[Any]) -> list[Any]:
    return sorted(assets, key=lambda asset: str(asset.key))


def _type(location: Location, content: Content | None) -> str:
    if content is not None and content.format == "directory":
        return "directory"
    return "file" if location.uri.startswith(_FILES) else "dataset"


def _token(location: Location) -> str:
    """How records call what was last materialised at a place."""
    return f"asset:{location.namespace}:{location.key}"


def _made_with(key: str, location: Location) -> str:
    """How records call what was materialised there together with a result in the runner's storage."""
    mark = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return f"result:{mark}:{_token(location)}"


def _cache_key(engine: Any) -> str | None:
    return result_key(engine) if engine is not None else None
