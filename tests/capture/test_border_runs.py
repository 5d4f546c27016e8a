"""Flow and task runs: which there are, how they are nested, how they ended."""

from __future__ import annotations

import asyncio
import builtins
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from prefect import flow, task
from prefect.context import FlowRunContext, TaskRunContext
from prefect.states import Failed

import prefect_lineage
from prefect_lineage import track
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.model.records import RunRecord


def test_what_a_task_reads_and_writes_are_its_inputs_and_outputs(recorded) -> None:
    Path("raw.txt").write_text("1")

    @task
    def double() -> None:
        Path("doubled.txt").write_text(Path("raw.txt").read_text() * 2)

    @flow
    def pipe() -> None:
        double()

    pipe()
    assert recorded.edges() == ["pipe.double -> doubled.txt:v0", "raw.txt:v0 -> pipe.double"]


def test_an_async_task_is_recorded_like_a_sync_one(recorded) -> None:
    @task
    async def write() -> None:
        await asyncio.to_thread(Path("made.txt").write_text, "x")

    @flow
    async def pipe() -> None:
        await write()

    asyncio.run(pipe())
    assert recorded.edges() == ["pipe.write -> made.txt:v0"]


def test_a_generator_task_owns_what_it_does_between_its_yields_and_nothing_else(recorded) -> None:
    @task
    def produce():
        for number in range(2):
            Path(f"part{number}.txt").write_text(str(number))
            yield number
        return None

    @flow
    def pipe() -> None:
        for number in produce():
            Path(f"seen{number}.txt").write_text(str(number))

    pipe()
    assert recorded.edges() == [
        "pipe -> seen0.txt:v0",
        "pipe -> seen1.txt:v0",
        "pipe.produce -> part0.txt:v0",
        "pipe.produce -> part1.txt:v0",
    ]


@pytest.mark.parametrize("is_tracked", [True, False])
def test_a_generator_task_is_its_users_own_wherever_prefect_shows_it(recorded, is_tracked: bool) -> None:
    seen: list[object] = []

    def key(context: TaskRunContext, _parameters: dict[str, object]) -> None:
        seen.append(context.task)

    def done(task: object, *_: object) -> None:
        seen.append(task)

    @task(cache_key_fn=key, on_completion=[done])
    @track(capture=is_tracked)
    def produce():
        seen.append(TaskRunContext.get().task)
        yield 1

    @task(cache_key_fn=key, on_completion=[done])
    @track(capture=is_tracked)
    async def produce_async():
        seen.append(TaskRunContext.get().task)
        yield 1

    @flow
    async def pipe() -> list[int]:
        return [*produce(), *[number async for number in produce_async()]]

    assert asyncio.run(pipe()) == [1, 1]
    assert [each is produce for each in seen] == [True] * 3 + [False] * 3
    assert [each is produce_async for each in seen] == [False] * 3 + [True] * 3


def test_what_the_body_of_a_flow_does_belongs_to_the_flow_run(recorded) -> None:
    @flow
    def pipe() -> None:
        Path("body.txt").write_text("x")

    pipe()
    assert recorded.edges() == ["pipe -> body.txt:v0"]
    assert recorded.run("pipe").kind == "flow"


def test_nested_flows_and_tasks_know_their_parents(recorded) -> None:
    @task
    def leaf() -> None:
        Path("leaf.txt").write_text("x")

    @flow
    def inner() -> None:
        leaf()

    @task
    def branch() -> None:
        leaf()

    @flow
    def outer() -> None:
        inner()
        branch()

    outer()
    runs = {run.id: run for run in recorded.runs()}
    nesting = sorted((run.job, runs[run.parent].job if run.parent else None) for run in runs.values())
    assert nesting == [
        ("inner", "outer"),
        ("inner.leaf", "inner"),
        ("outer", None),
        ("outer.branch", "outer"),
        ("outer.leaf", "outer.branch"),
    ]


def test_a_retried_task_has_its_attempts_told_apart(recorded) -> None:
    calls = []

    @task(retries=1)
    def flaky() -> None:
        calls.append(1)
        Path("out.txt").write_text(str(len(calls)))
        if len(calls) == 1:
            raise ValueError("the first attempt fails")

    @flow
    def pipe() -> None:
        flaky()

    pipe()
    edges = sorted(recorded.graph().edges, key=lambda edge: edge.attempt)
    assert [(edge.attempt, edge.partial) for edge in edges] == [(1, True), (2, False)]
    assert recorded.version("out.txt:v0").partial
    assert recorded.version("out.txt:v1").aliases == ("latest",)
    assert (recorded.run("pipe.flaky").state, recorded.run("pipe.flaky").attempt) == ("Completed", 2)


def test_a_failed_task_is_visible_and_its_output_never_the_latest(recorded) -> None:
    @task
    def broken() -> None:
        Path("half.txt").write_text("half")
        raise RuntimeError("no more")

    @flow
    def pipe() -> None:
        broken()

    with pytest.raises(RuntimeError, match="no more"):
        pipe()
    assert (recorded.run("pipe.broken").state, recorded.run("pipe").state) == ("Failed", "Failed")
    version = recorded.version("half.txt:v0")
    assert (version.partial, version.aliases) == (True, ())


def test_a_task_that_returns_a_failed_state_has_failed(recorded) -> None:
    @task
    def refuses():
        Path("half.txt").write_text("half")
        return Failed(message="no")

    @flow
    def pipe():
        return refuses(return_state=True)

    pipe(return_state=True)
    assert recorded.run("pipe.refuses").state == "Failed"
    assert recorded.version("half.txt:v0").partial


def test_a_cached_run_says_so_and_reads_nothing(recorded) -> None:
    from prefect.cache_policies import INPUTS

    @task(cache_policy=INPUTS, persist_result=True)
    def slow(number: int) -> int:
        Path("computed.txt").write_text(str(number))
        return number

    @flow
    def pipe() -> None:
        slow(7)
        slow(7)

    pipe()
    states = sorted(run.state for run in recorded.runs() if run.job == "pipe.slow")
    assert states == ["Cached", "Completed"]
    assert recorded.edges() == ["pipe.slow -> computed.txt:v0"]


def test_tasks_that_run_at_once_never_get_each_others_files(recorded) -> None:
    together = threading.Barrier(8, timeout=60)

    @task
    def copy(number: int) -> None:
        together.wait()
        text = Path(f"in{number}.txt").read_text()
        together.wait()
        Path(f"out{number}.txt").write_text(text)

    @flow
    def pipe() -> None:
        futures = [copy.submit(number) for number in range(8)]
        for future in futures:
            future.result()

    for number in range(8):
        Path(f"in{number}.txt").write_text(str(number))
    pipe()
    graph = recorded.graph()
    names = {version.id: version.name for version in graph.versions}
    touched: dict[str, set[str]] = {}
    for edge in graph.edges:
        touched.setdefault(edge.run, set()).add(names[edge.version])
    assert sorted(map(sorted, touched.values())) == [[f"in{n}.txt", f"out{n}.txt"] for n in range(8)]


def test_threads_that_a_task_starts_do_its_work(recorded) -> None:
    def write(name: str) -> None:
        Path(name).write_text(name)

    @task
    def parallel() -> None:
        thread = threading.Thread(target=write, args=("thread.txt",))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, ["pool1.txt", "pool2.txt"]))

    @flow
    def pipe() -> None:
        parallel()

    pipe()
    assert recorded.edges() == [f"pipe.parallel -> {name}.txt:v0" for name in ("pool1", "pool2", "thread")]


def test_a_file_that_a_task_deletes_is_marked_on_its_version_until_it_is_written_again(recorded) -> None:
    @task
    def write() -> None:
        Path("kept.txt").write_text("x")

    @task
    def clean_up() -> None:
        Path("kept.txt").unlink()

    @flow
    def pipe(again: bool) -> None:
        write()
        clean_up()
        if again:
            write()

    pipe(again=False)
    assert recorded.version("kept.txt:v0").deleted_at is not None
    pipe(again=True)
    assert recorded.version("kept.txt:v0").deleted_at is None


def test_a_process_that_a_task_starts_is_counted_for_it_is_not_seen_inside(recorded) -> None:
    @task
    def shell() -> None:
        subprocess.run(["true"], check=True)

    @flow
    def pipe() -> None:
        shell()

    pipe()
    assert recorded.run("pipe.shell").details["misses"] == {"not seen inside: Popen": 1}


def test_a_run_knows_its_parameters_code_environment_and_tags(recorded) -> None:
    @task(tags={"nightly"})
    def work(rows: int, password: str) -> None: ...

    @flow
    def pipe() -> None:
        work(3, password="hunter2")

    pipe()
    run = recorded.run("pipe.work").to_dict()
    assert run["parameters"] == {"rows": 3, "password": "***"}
    assert run["tags"] == ["nightly"]
    assert run["code"]["file"] == str(Path(__file__).resolve())
    assert run["code"]["digest"].startswith("sha256:")
    assert run["environment"]["packages"]["prefect"]
    assert run["started_at"] < run["ended_at"]


def test_the_flow_returns_and_prints_what_it_does_without_us(recorded, capsys) -> None:
    marker = object()

    @task(persist_result=False)
    def give() -> object:
        print("from the task")
        return marker

    @flow(persist_result=False)
    def pipe() -> object:
        return give()

    assert pipe() is marker
    assert capsys.readouterr().out == "from the task\n"


def test_disable_puts_every_original_back(recorded) -> None:
    from prefect import context, task_engine

    prefect_lineage.disable()
    names = ("start", "call_task_fn")
    engines = (task_engine.SyncTaskRunEngine, task_engine.AsyncTaskRunEngine)
    before = [vars(engine)[name] for engine in engines for name in names]
    generators = (task_engine.run_generator_task_sync, task_engine.run_generator_task_async)
    opened = (builtins.open, os.open, os.rename, threading.Thread.start, ThreadPoolExecutor.submit)
    assert "__enter__" not in vars(context.EngineContext)

    @flow
    def pipe() -> None:
        Path("x.txt").write_text("x")

    prefect_lineage.enable()
    pipe()
    assert builtins.open is not opened[0]
    prefect_lineage.disable()
    assert [vars(engine)[name] for engine in engines for name in names] == before
    assert (task_engine.run_generator_task_sync, task_engine.run_generator_task_async) == generators
    assert (builtins.open, os.open, os.rename, threading.Thread.start, ThreadPoolExecutor.submit) == opened
    assert "__enter__" not in vars(context.EngineContext)


def callables() -> dict[tuple[object, str], object]:
    """What can be called by the names in the modules that are loaded, and in the classes that they define."""
    found: dict[tuple[object, str], object] = {}
    for module in [module for module in sys.modules.values() if type(module) is ModuleType]:  # no lazy ones
        for name, value in list(vars(module).items()):
            found[module.__name__, name] = value
            if issubclass(type(value), type) and value.__module__ == module.__name__:
                found |= {(value, inner): thing for inner, thing in list(vars(value).items())}
    # not callable(): a proxy of the libraries that other tests import answers for what it stands for, or raises
    return {place: value for place, value in found.items() if issubclass(type(value), Callable)}


def test_whatever_was_replaced_in_any_module_or_class_is_put_back_by_identity(recorded) -> None:
    from prefect import context, task_engine

    @task
    def copy() -> None:
        Path("x.txt").write_text("x")

    @flow
    def pipe() -> None:
        copy()

    pipe()  # all is imported that will be
    prefect_lineage.disable()
    before = callables()
    prefect_lineage.enable()
    pipe()
    during = callables()
    prefect_lineage.disable()
    after = callables()
    replaced = {place for place, value in before.items() if during.get(place) is not value}
    added = {place for place in during.keys() - before.keys() if isinstance(place[0], type)}
    engines = (task_engine.SyncTaskRunEngine, task_engine.AsyncTaskRunEngine)
    assert {(engine, name) for engine in engines for name in ("start", "call_task_fn")} <= replaced
    assert {("builtins", "open"), ("os", "rename"), (threading.Thread, "start")} <= replaced
    assert (context.EngineContext, "__enter__") in added
    assert [place for place in replaced if after.get(place) is not before[place]] == []
    assert [place for place in added if place in after] == []


def test_switched_off_by_the_environment_nothing_is_recorded(recorded, monkeypatch) -> None:
    prefect_lineage.disable()
    monkeypatch.setenv("PREFECT_LINEAGE_ENABLED", "0")

    @flow
    def pipe() -> None:
        Path("x.txt").write_text("x")

    assert prefect_lineage.enable() is False
    pipe()
    assert not (recorded.folder.parent / "journal").exists()


def test_a_fault_of_ours_as_a_run_begins_or_ends_is_not_the_flows(recorded, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    @task
    def double(number: int) -> int:
        return number * 2

    @flow
    def pipe() -> int:
        return double(2)

    for name in ("begin_attempt", "flush"):
        with monkeypatch.context() as faulty:
            faulty.setattr(Recorder, name, broken)
            assert pipe() == 4


@pytest.mark.parametrize("kind", ["flow", "task"])
def test_an_interrupt_while_a_run_is_described_is_prefects(recorded, monkeypatch, kind: str) -> None:
    begun = Recorder.begun

    def interrupted(recorder: Recorder, run: RunRecord) -> None:
        begun(recorder, run)
        if run.kind == kind:
            raise KeyboardInterrupt

    @task
    def idle() -> None: ...

    @flow
    def pipe() -> None:
        idle()

    monkeypatch.setattr(Recorder, "begun", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipe()
    assert FlowRunContext.get() is None
    states = {run.job: run.state for run in recorded.runs()}
    assert states == ({"pipe": "Running"} if kind == "flow" else {"pipe": "Crashed", "pipe.idle": "Crashed"})


@pytest.mark.parametrize("kind", ["flow", "task"])
def test_an_interrupt_while_an_async_run_is_described_is_prefects(recorded, monkeypatch, kind: str) -> None:
    begun = Recorder.begun

    def interrupted(recorder: Recorder, run: RunRecord) -> None:
        begun(recorder, run)
        if run.kind == kind:
            raise KeyboardInterrupt

    @task
    async def idle() -> None: ...

    @flow
    async def pipe() -> None:
        await idle()

    monkeypatch.setattr(Recorder, "begun", interrupted)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(pipe())
    assert FlowRunContext.get() is None
    states = {run.job: run.state for run in recorded.runs()}
    assert states == ({"pipe": "Running"} if kind == "flow" else {"pipe": "Crashed", "pipe.idle": "Crashed"})


def test_an_interrupt_while_the_end_of_a_flow_run_is_recorded_leaves_its_context(
    recorded, monkeypatch
) -> None:
    met: list[object] = []

    def interrupted(*_: object, **__: object) -> None:
        met.append(FlowRunContext.get())
        raise KeyboardInterrupt

    @flow
    def pipe() -> None: ...

    with monkeypatch.context() as slow, suppress(KeyboardInterrupt):  # some releases of Prefect keep it
        slow.setattr(Recorder, "flush", interrupted)
        pipe()
    assert (len(met), met[0] is None, FlowRunContext.get()) == (1, False, None)
