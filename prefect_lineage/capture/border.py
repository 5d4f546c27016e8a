"""The border to Prefect: the only module that imports it, and says its words in ours.

Imported with the rest of capture, it imports Prefect only inside functions that Prefect's own engines call.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple, ParamSpec, TypeVar

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.caching import CacheKey
from prefect_lineage.capture.code import code_of, environment_of, git_state
from prefect_lineage.capture.context import current
from prefect_lineage.capture.identity import host
from prefect_lineage.capture.lasting import lasting_of, told
from prefect_lineage.capture.liveness import this_process
from prefect_lineage.capture.parameters import bounded_each
from prefect_lineage.capture.passing import Kept
from prefect_lineage.capture.redact import Address, Redactor
from prefect_lineage.capture.scrubbing import scrubbed
from prefect_lineage.capture.states import FAILED, FINAL, Known
from prefect_lineage.model.records import RunRecord
from prefect_lineage.model.times import from_datetime, now

__all__ = [
    "flow_ended",
    "flow_started",
    "has_completed",
    "is_failure",
    "known_to_server",
    "producer_of",
    "result_key",
    "rolled_back",
    "storage_of",
    "task_context",
    "task_ended",
    "task_place",
    "task_started",
]

log = logging.getLogger("prefect_lineage")


class _Names(NamedTuple):
    """What every run needs of Prefect. An import statement inside a function is a dozen calls each time."""

    flow_context: Any
    task_context: Any
    settings_context: Any
    settings: Callable[[], Any]
    state: type[Any]


@cache
def _prefect() -> _Names:
    from prefect.client.schemas.objects import State
    from prefect.context import FlowRunContext, SettingsContext, TaskRunContext
    from prefect.settings import get_current_settings

    return _Names(FlowRunContext, TaskRunContext, SettingsContext, get_current_settings, State)


def _job(task: str) -> str:
    context = _prefect().flow_context.get()
    flow = context.flow.name if context is not None and context.flow is not None else None
    return f"{flow}.{task}" if flow else task


def storage_of(result_store: Any) -> tuple[str, ...]:
    """The directories in which Prefect keeps results: what happens there is not the user's."""
    try:
        base = result_store.result_storage.basepath
    except AttributeError:
        return ()
    return _folder(str(base)) if base else ()


@lru_cache(maxsize=64)
def _folder(base: str) -> tuple[str, ...]:
    return (os.path.expanduser(base),)  # noqa: PTH111


D = TypeVar("D")
P = ParamSpec("P")


def _quietly(describe: Callable[P, D]) -> Callable[P, D | None]:
    """A run that cannot be described is told and left out; the run itself goes on."""

    @functools.wraps(describe)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> D | None:
        token = current.set(
            None
        )  # as ``paused`` does, without its calls: this is entered several times a run
        try:
            return describe(*args, **kwargs)
        except Exception as error:
            log.warning("Lineage cannot describe a run: %r", error, exc_info=error)
            return None
        finally:
            current.reset(token)

    return quiet


def task_place(task: Any, job: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The job of the task that is about to run, if it is not known, and where Prefect keeps its results."""
    context = _prefect().task_context.get()
    return job or _job(task.name), storage_of(context.result_store) if context is not None else ()


@_quietly
def task_context() -> Any:
    """The task run that this context belongs to: it has the engine's ``task``, ``task_run``, ``parameters``."""
    return _prefect().task_context.get()


def task_started(
    engine: Any, run_id: str, outer: Attempt | None, parent: str | None, redactor: Redactor
) -> RunRecord:
    """A task run as it begins, without secrets.

    Args:
        outer: the attempt inside which it was called, if that is of this process.
        parent: the run that called it, if that is of another one.
    """
    run, task = engine.task_run, engine.task
    context = _prefect().flow_context.get()
    flow = context.flow.name if context is not None and context.flow is not None else None
    flow_run = _flow_run_of(run)
    details = told(
        parameters=partial(bounded_each, engine.parameters),
        tags=partial(sorted, run.tags or ()),
        ui_url=partial(_ui_url, "task", run_id),
    )
    name, told_safely = scrubbed(redactor, run.name, details, lasting_of(task.fn))
    return RunRecord(
        id=run_id,
        kind="task",
        name=name,
        job=f"{flow}.{task.name}" if flow else task.name,
        flow=flow,
        flow_run=flow_run,
        parent=outer.run if outer is not None else parent or flow_run,
        state=run.state.name if run.state is not None else "Running",
        started_at=now(),
        attempt=run.run_count or 1,
        details=told_safely,
    )


def _flow_run_of(task_run: Any) -> str | None:
    global _last_flow_run
    known = _last_flow_run  # read once: another thread may put another there
    if task_run.flow_run_id is not known[0]:
        flow_run = task_run.flow_run_id
        _last_flow_run = known = flow_run, str(flow_run) if flow_run else None
    return known[1]


_last_flow_run: tuple[Any, str | None] = None, None
"""The id of the flow run that a task was last called in, and how it is written: that of its next task is the same."""


@_quietly
def flow_started(context: Any, outer: Attempt | None) -> RunRecord:
    """A flow run as it begins; ``outer`` is the attempt inside which it was called."""
    run, flow = context.flow_run, context.flow
    started = run.start_time
    return RunRecord(
        id=str(run.id),
        kind="flow",
        name=run.name,
        job=flow.name,
        flow=flow.name,
        flow_run=str(run.id),
        parent=outer.run if outer is not None else None,
        state=run.state.name,
        started_at=from_datetime(started) if started is not None else now(),
        attempt=max(run.run_count, 1),
        details=told(
            parameters=lambda: bounded_each(context.parameters),
            tags=lambda: sorted(run.tags or ()),
            deployment=lambda: str(run.deployment_id) if run.deployment_id else None,
            code=lambda: code_of(flow.fn),
            environment=lambda: environment_of(flow.fn),
            process=this_process,
            ui_url=lambda: _ui_url("flow", str(run.id)),
        ),
    )


def _ui_url(kind: str, run: str) -> Address | None:
    """Where a lasting server shows the run; a temporary one will be gone with the process."""
    global _shown_at
    names = _prefect()
    context = names.settings_context.get()
    settings = context.settings if context is not None else names.settings()
    known = _shown_at  # read once: another thread may put another there
    if settings is not known[0]:
        ui = settings.ui_url if settings.api.url else None
        _shown_at = known = settings, ui.rstrip("/") if ui else None
    return Address(known[1], f"/runs/{kind}-run/{run}") if known[1] else None


_shown_at: tuple[Any, str | None] = None, None
"""Prefect's settings, and the address of its pages by those."""


def task_ended(
    run_id: str, engine: Any, cache_key: CacheKey | None, redactor: Redactor, *, stepped: bool = False
) -> tuple[RunRecord, tuple[Kept, bool] | None]:
    """How a task run ended, told briefly, for the rest is known since it began.

    Args:
        stepped: it is a generator that is called: that runs whether or not its result was there.

    Returns:
        Also the result that it has in Prefect's result storage, and whether it was found there.
    """
    run = engine.task_run
    state = run.state
    kept = None if stepped else _kept(state, engine.task)
    details: Mapping[str, Any] = {}
    if cache_key is not None and kept is not None:  # else nobody will find anything under it
        details = redactor.mapping({"cache_key": cache_key.told()})
    record = RunRecord(
        run_id,
        state=state.name if state is not None else None,
        ended_at=now(),
        attempt=run.run_count or 1,
        details=details,
        result_key=kept[0].key if kept is not None else None,
    )
    return record, kept


@_quietly
def rolled_back(engine: Any) -> RunRecord:
    """A task run whose transaction was rolled back after it had ended."""
    run = engine.task_run
    return RunRecord(str(run.id), state="RolledBack", ended_at=now(), attempt=max(run.run_count, 1))


@_quietly
def result_key(engine: Any) -> str | None:
    """Where the result of a task run lies in Prefect's result storage, or would lie, if the run has completed."""
    state = engine.task_run.state
    return _result_key(state) if state is not None and state.is_completed() else None


def _kept(state: Any, task: Any) -> tuple[Kept, bool] | None:
    if state is None or state.type != "COMPLETED":
        return None
    cached = state.name == "Cached"
    if not cached and not _is_persisted(state.data, task):
        return None  # mostly
    key = _result_key(state)
    return (Kept(key, getattr(state.data, "result", None)), cached) if key is not None else None


def _is_persisted(result: Any, task: Any) -> bool:
    told = getattr(result, "is_persisted", None)
    if told is not None:
        return bool(told)
    # a release whose results do not know it, as 3.6: what was to be persisted is
    from prefect.results import should_persist_result

    return bool(should_persist_result() if task.persist_result is None else task.persist_result)


def _result_key(state: Any) -> str | None:
    """Where the result lies, alike for the run that made it and for those that find it in the cache."""
    try:
        metadata = state.data.metadata
        key = metadata.storage_key
    except AttributeError:
        return None
    if not isinstance(key, str):
        return None
    block = getattr(metadata, "storage_block_id", None)
    return f"{block or host()}/{key}"


def has_completed(state: Any, result: object) -> bool:
    """Whether an attempt whose function has returned is none that failed, by its run's state or by what it returned."""
    if state is not None and state.type in FAILED:
        return False
    return not isinstance(result, _prefect().state) or not is_failure(result)


def is_failure(result: object) -> bool:
    """Whether a task's function returned a state that is none of success."""
    state: Any = result if isinstance(result, _prefect().state) else None
    return state is not None and not state.is_completed()


def producer_of(expression: object) -> str | None:
    """The run whose result a future or a state stands for."""
    run = getattr(expression, "task_run_id", None)
    details = getattr(expression, "state_details", None)
    if run is None and details is not None:
        run = details.task_run_id or details.flow_run_id
    return str(run) if run is not None else None


@_quietly
def flow_ended(run: str, context: Any, exception: BaseException | None) -> tuple[RunRecord, bool]:
    """How a flow run ended, and whether it completed; one that an exception left half done has mostly crashed."""
    state = context.flow_run.state
    kind = state.type.value if state is not None else ""
    is_cut = exception is not None and kind not in FINAL
    name = _cut_short() if is_cut else state and state.name
    flow = context.flow
    described: dict[str, Callable[[], Any]] = {"code": lambda: git_state(code_of(flow.fn))}
    own_name = None
    if flow.flow_run_name:  # the name is made of it after the start: by 3.6 always, later sometimes
        own_name = context.flow_run.name
        described["parameters"] = lambda: bounded_each(context.parameters)  # whose secrets it may hold
    ended = now() if name is not None else None
    record = RunRecord(run, name=own_name, state=name, ended_at=ended, details=told(**described))
    return record, kind == "COMPLETED"


def _cut_short() -> str | None:
    """The state that Prefect's engine is about to give a run that it was told to stop; None: it goes on elsewhere."""
    try:
        from prefect._internal.control_listener import get_intent
    except ImportError:  # nothing that a user may rely on, so it may be gone some day
        return "Crashed"
    intent = get_intent()
    if intent == "cancel":
        return "Cancelled"
    return "Crashed" if intent is None else None


_ASKED = 200
"""Runs asked for in one request: the most that a server answers."""

_ASK_SECONDS = 10.0


def known_to_server(runs: Iterable[tuple[str, str]]) -> tuple[dict[str, Known], str | None]:
    """What the server of ``PREFECT_API_URL`` says of runs.

    Args:
        runs: kind (``flow`` or ``task``) and UUID of each.

    Returns:
        What it knows, by UUID, and why it could not be asked for all, if it is set but does not answer.
    """
    from prefect.settings import get_current_settings

    found: dict[str, Known] = {}
    url = get_current_settings().api.url
    if url is None:  # a client would start a server of its own, which knows of nothing
        return found, None
    wanted = set(runs)
    try:
        for kind in ("flow", "task"):
            found |= _ask(kind, sorted(uuid for asked, uuid in wanted if asked == kind))
    except Exception as error:  # noqa: BLE001 - a server can fail in any way; what it does not say is not known
        words = str(error).strip().partition("\n")[0] or type(error).__name__
        return found, f"Prefect's server at {url} does not answer: {words}"
    return found, None


def _ask(kind: str, runs: list[str]) -> dict[str, Known]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, TaskRunFilter, TaskRunFilterId
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    found = {}
    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(sync_client=True, httpx_settings={"timeout": _ASK_SECONDS}) as client,
    ):
        for start in range(0, len(runs), _ASKED):
            chunk: Any = runs[start : start + _ASKED]
            told: list[Any]
            if kind == "flow":
                flows = FlowRunFilter(id=FlowRunFilterId(any_=chunk))
                told = client.read_flow_runs(flow_run_filter=flows, limit=_ASKED)
            else:
                tasks = TaskRunFilter(id=TaskRunFilterId(any_=chunk))
                told = client.read_task_runs(task_run_filter=tasks, limit=_ASKED)
            for run in told:
                if run.state is not None:
                    at = from_datetime(run.state.timestamp)
                    kind_of_state = run.state.type.value
                    found[str(run.id)] = Known(run.state.name or kind_of_state.title(), kind_of_state, at)
    return found
