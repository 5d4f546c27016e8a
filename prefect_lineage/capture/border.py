"""The border to Prefect: the only module that imports it, and says its words in ours.

Imported with the rest of capture, it imports Prefect only inside functions that Prefect's own engines call.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.code import code_of, environment_of, git_state
from prefect_lineage.capture.context import paused
from prefect_lineage.capture.parameters import bounded_each
from prefect_lineage.model.records import RunRecord
from prefect_lineage.model.times import from_datetime, now

__all__ = [
    "flow_ended",
    "flow_started",
    "storage_of",
    "task_context",
    "task_ended",
    "task_place",
    "task_started",
]

log = logging.getLogger("prefect_lineage")

_FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def _job(task: str) -> str:
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    flow = context.flow.name if context is not None and context.flow is not None else None
    return f"{flow}.{task}" if flow else task


def storage_of(result_store: Any) -> tuple[str, ...]:
    """The directories in which Prefect keeps results: what happens there is not the user's."""
    base = getattr(getattr(result_store, "result_storage", None), "basepath", None)
    return (os.path.expanduser(str(base)),) if base else ()  # noqa: PTH111


D = TypeVar("D")
P = ParamSpec("P")


def _quietly(describe: Callable[P, D]) -> Callable[P, D | None]:
    """A run that cannot be described is told and left out; the run itself goes on."""

    @functools.wraps(describe)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> D | None:
        try:
            with paused():
                return describe(*args, **kwargs)
        except Exception as error:
            log.warning("Lineage cannot describe a run: %r", error, exc_info=error)
            return None

    return quiet


@_quietly
def task_place(task: Any) -> tuple[str, tuple[str, ...]]:
    """The job of the task that is about to run, and where Prefect keeps its results."""
    from prefect.context import TaskRunContext

    context = TaskRunContext.get()
    return _job(task.name), storage_of(context.result_store) if context is not None else ()


@_quietly
def task_context() -> Any:
    """The task run that this context belongs to: it has the engine's ``task``, ``task_run``, ``parameters``."""
    from prefect.context import TaskRunContext

    return TaskRunContext.get()


@_quietly
def task_started(engine: Any, outer: Attempt | None) -> RunRecord:
    """A task run as it begins; ``outer`` is the attempt inside which it was called."""
    from prefect.context import FlowRunContext

    run, task = engine.task_run, engine.task
    context = FlowRunContext.get()
    flow_run = str(run.flow_run_id) if run.flow_run_id else None
    return RunRecord(
        id=str(run.id),
        kind="task",
        name=run.name,
        job=_job(task.name),
        flow=context.flow.name if context is not None and context.flow is not None else None,
        flow_run=flow_run,
        parent=outer.run if outer is not None else flow_run,
        state=run.state.name if run.state is not None else "Running",
        started_at=now(),
        attempt=max(run.run_count, 1),
        details=_details(
            parameters=lambda: bounded_each(engine.parameters),
            tags=lambda: sorted(run.tags or ()),
            code=lambda: git_state(code_of(task.fn)),
            environment=lambda: environment_of(task.fn),
            ui_url=lambda: _ui_url("task", str(run.id)),
        ),
    )


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
        details=_details(
            parameters=lambda: bounded_each(context.parameters),
            tags=lambda: sorted(run.tags or ()),
            deployment=lambda: str(run.deployment_id) if run.deployment_id else None,
            code=lambda: code_of(flow.fn),
            environment=lambda: environment_of(flow.fn),
            ui_url=lambda: _ui_url("flow", str(run.id)),
        ),
    )


def _details(**parts: Callable[[], Any]) -> dict[str, Any]:
    """What can be told of a run: a part that cannot be told leaves the others, and the run, as they are."""
    told = {}
    for name, tell in parts.items():
        try:
            told[name] = tell()
        except Exception as error:
            log.warning("Lineage cannot tell the %s of a run: %r", name, error, exc_info=error)
    return told


def _ui_url(kind: str, run: str) -> str | None:
    """Where a lasting server shows the run; a temporary one will be gone with the process."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    ui = settings.ui_url if settings.api.url else None
    return f"{ui.rstrip('/')}/runs/{kind}-run/{run}" if ui else None


@_quietly
def task_ended(record: RunRecord, engine: Any) -> RunRecord:
    """How a task run ended, told briefly: the rest is known since it began."""
    run = engine.task_run
    state = run.state
    return RunRecord(
        record.id,
        state=state.name if state is not None else None,
        ended_at=now(),
        attempt=max(run.run_count, 1),
    )


@_quietly
def flow_ended(run: str, context: Any, exception: BaseException | None) -> tuple[RunRecord, bool]:
    """How a flow run ended, and whether it completed; one that an exception left half done has crashed."""
    state = context.flow_run.state
    kind = state.type.value if state is not None else ""
    name = "Crashed" if exception is not None and kind not in _FINAL else state and state.name
    details = _details(code=lambda: git_state(code_of(context.flow.fn)))
    record = RunRecord(run, state=name, ended_at=now(), details=details)
    return record, kind == "COMPLETED"
