"""What a task does in child processes that it starts belongs to its attempt, whatever way it started them."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import Pool
from pathlib import Path

import anyio.to_process
import anyio.to_thread
import joblib
import pytest
from prefect import flow, task

from prefect_lineage import Lineage

sys.path.append(str(Path(__file__).parent / "child_code"))

import at_work

# Python 3.12 and later warn of every fork of a process that has threads, as one that runs a flow always has
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture(autouse=True)
def nothing_is_left(recorded):
    """Every spool is gone when its attempt is."""
    yield
    assert list(recorded.folder.parent.glob("journal/attempts/*")) == []


def prepare(*names: str) -> list[str]:
    """Make the files that are to be copied; gives their paths, for workers may live in another directory."""
    for name in names:
        Path(f"{name}.in").write_text(name)
    return [str(Path(name).absolute()) for name in names]


def copied(job: str, *names: str) -> list[str]:
    """What is recorded if ``job`` has copied these."""
    return sorted(
        [f"{job} -> {name}.out:v0" for name in names] + [f"{name}.in:v0 -> {job}" for name in names]
    )


def run_in_a_task(work: Callable[[], object]) -> object:
    """``work`` is what the task ``pipe.work`` does."""

    @task(name="work")
    def step() -> object:
        return work()

    @flow(name="pipe")
    def pipe() -> object:
        return step()

    return pipe()


def run_in_an_async_task(work: Callable[[], object]) -> None:
    @task(name="work")
    async def step() -> None:
        await work()

    @flow(name="pipe")
    async def pipe() -> None:
        await step()

    asyncio.run(pipe())


def joined(process: multiprocessing.process.BaseProcess) -> int | None:
    # Prefect makes every forked child that ends in an orderly way end with the code 1
    process.start()
    process.join()
    return process.exitcode


def started(method: str, target: Callable[..., object], *args: str) -> int | None:
    return joined(multiprocessing.get_context(method).Process(target=target, args=args))


def misses(recorded) -> dict[str, int]:
    return recorded.run("pipe.work").details.get("misses", {})


# -- processes of the user's own code -------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_process_with_a_target_works_for_the_task_that_started_it(recorded, method: str) -> None:
    names = prepare("a")
    run_in_a_task(lambda: started(method, at_work.copy, *names))
    assert recorded.edges() == copied("pipe.work", "a")
    assert misses(recorded) == {}


@pytest.mark.parametrize("kind", [at_work.Copier, at_work.SpawnedCopier])
def test_a_process_of_a_class_of_its_own_works_for_the_task_too(recorded, kind: type) -> None:
    (name,) = prepare("a")
    run_in_a_task(lambda: joined(kind(name)))
    assert recorded.edges() == copied("pipe.work", "a")
    assert misses(recorded) == {}


def test_a_process_is_left_as_its_user_made_it(recorded) -> None:
    kept = []

    def own() -> None:
        at_work.write("own.txt")

    def work() -> None:
        process = multiprocessing.get_context("fork").Process()
        process.run = own  # type: ignore[method-assign]
        kept.append(process)
        joined(process)
        kept.append(at_work.Copier("nothing"))
        joined(kept[1])

    run_in_a_task(work)
    assert vars(kept[0])["run"] is own
    assert "run" not in vars(kept[1])
    assert recorded.edges() == ["pipe.work -> own.txt:v0"]


def test_a_fork_works_for_the_task(recorded) -> None:
    names = prepare("a")

    def work() -> None:
        pid = os.fork()
        if pid == 0:
            try:
                at_work.copy(*names)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)

    run_in_a_task(work)
    assert recorded.edges() == copied("pipe.work", "a")
    assert misses(recorded) == {}


def test_a_grandchild_works_for_the_task(recorded) -> None:
    names = prepare("a", "b")

    def work() -> None:
        started("fork", at_work.copy_in_a_child, names[0])
        started("spawn", at_work.copy_in_a_child, names[1])

    run_in_a_task(work)
    assert recorded.edges() == copied("pipe.work", "a", "b")
    assert misses(recorded) == {}


def test_a_child_that_is_killed_has_lost_nothing(recorded) -> None:
    names = prepare("a")
    codes = []
    run_in_a_task(lambda: codes.append(started("spawn", at_work.copy_and_die, *names)))
    assert codes == [-9]
    assert recorded.edges() == copied("pipe.work", "a")


def test_a_child_that_outlives_its_task_is_late_and_harms_nobody(recorded) -> None:
    names = prepare("a")
    children = []

    def work() -> None:
        child = multiprocessing.get_context("spawn").Process(target=at_work.copy_when_told, args=names)
        child.start()
        children.append(child)
        while not Path("begun").exists():
            time.sleep(0.02)

    run_in_a_task(work)
    Path("go").touch()
    children[0].join()
    assert children[0].exitcode == 0
    assert Path("done").exists()
    assert recorded.edges() == ["pipe.work -> begun:v0"]


def test_what_a_child_is_still_writing_at_the_end_of_its_task_is_no_settled_version(recorded) -> None:
    children = []

    def work() -> None:
        child = multiprocessing.get_context("spawn").Process(target=at_work.write_half, args=("half.txt",))
        child.start()
        children.append(child)
        while not Path("begun").exists():
            time.sleep(0.02)

    run_in_a_task(work)
    Path("go").touch()
    children[0].join()
    assert recorded.version("half.txt:v0").raced
    assert not recorded.version("begun:v0").raced


def test_a_process_that_nobody_heard_of_is_counted(recorded) -> None:
    (name,) = prepare("a")
    run_in_a_task(lambda: joined(at_work.Forgetful(name)))
    assert recorded.edges() == []
    assert misses(recorded) == {"not seen inside: multiprocessing.Process": 1}


def test_what_a_child_becomes_or_starts_is_counted(recorded) -> None:
    def work() -> None:
        pid = os.fork()
        if pid == 0:
            os.execvp("true", ["true"])
        os.waitpid(pid, 0)
        started("spawn", at_work.run_a_program)

    run_in_a_task(work)
    assert misses(recorded) == {"not seen inside: os.exec": 1, "not seen inside: Popen": 1}


# -- pools ----------------------------------------------------------------------------------------

WAYS_INTO_A_POOL: dict[str, Callable[[Pool, str], object]] = {
    "apply": lambda pool, name: pool.apply(at_work.copy, (name,)),
    "apply_async": lambda pool, name: pool.apply_async(func=at_work.copy, args=(name,)).get(),
    "map": lambda pool, name: pool.map(at_work.copy, [name], chunksize=3),
    "map_async": lambda pool, name: pool.map_async(at_work.copy, [name]).get(),
    "starmap": lambda pool, name: pool.starmap(at_work.copy, [(name, 1)]),
    "starmap_async": lambda pool, name: pool.starmap_async(at_work.copy, [(name, 1)]).get(),
    "imap": lambda pool, name: list(pool.imap(at_work.copy, [name])),
    "imap_unordered": lambda pool, name: list(pool.imap_unordered(at_work.copy, [name], chunksize=2)),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_way_into_a_pool_of_processes_carries_the_attempt(recorded, method: str) -> None:
    names = prepare(*WAYS_INTO_A_POOL)
    pids: list[object] = []

    def work() -> None:
        with multiprocessing.get_context(method).Pool(1) as pool:
            pids.extend(ask(pool, name) for name, ask in zip(names, WAYS_INTO_A_POOL.values(), strict=True))

    run_in_a_task(work)
    assert len({pid[0] if isinstance(pid, list) else pid for pid in pids} - {os.getpid()}) == 1
    assert recorded.edges() == copied("pipe.work", *WAYS_INTO_A_POOL)
    assert misses(recorded) == {}


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_of_processes_carries_the_attempt(recorded, method: str) -> None:
    names = prepare("a", "b", "c")

    def work() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            pool.submit(at_work.copy, names[0]).result()
            list(pool.map(at_work.copy, names[1:], chunksize=2))

    run_in_a_task(work)
    assert recorded.edges() == copied("pipe.work", "a", "b", "c")
    assert misses(recorded) == {}


def test_threads_of_a_pools_worker_work_for_the_task(recorded) -> None:
    names = prepare("a", "b")

    def work() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            pool.submit(at_work.copy_in_threads, *names).result()

    run_in_a_task(work)
    assert recorded.edges() == copied("pipe.work", "a", "b")


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib_works_for_the_task_that_asks_it(recorded, backend: str) -> None:
    names = prepare("a", "b")

    def work() -> None:
        # Prefect's handler raises, and a worker in which that is lost on the way out of its fork is waited for
        # without end when the pool is taken down: with capture off, too
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        calls = (joblib.delayed(at_work.copy)(name) for name in names)
        joblib.Parallel(n_jobs=2, backend=backend)(calls)

    run_in_a_task(work)
    assert recorded.edges() == copied("pipe.work", "a", "b")
    assert misses(recorded) == {}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_works_for_whoever_asks_it_and_in_between_for_nobody(recorded, method: str) -> None:
    names = prepare("a", "b", "c", "d", "e")
    pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method))

    @task
    def first(name: str) -> None:
        pool.submit(at_work.copy, name).result()

    @task
    def second(name: str) -> None:
        list(pool.map(at_work.copy, [name]))

    @flow
    def pipe() -> None:
        first(names[0])
        second(names[1])
        pending = [first.submit(names[2]), second.submit(names[3])]
        for future in pending:
            future.result()

    with pool:
        pipe()
        pool.submit(at_work.copy, names[4]).result()
    assert recorded.edges() == sorted(copied("pipe.first", "a", "c") + copied("pipe.second", "b", "d"))


def test_what_a_pool_does_to_prepare_its_workers_is_nobodys(recorded) -> None:
    def work() -> None:
        with multiprocessing.get_context("fork").Pool(1, at_work.write, ("prepared.txt",)) as pool:
            pool.apply(at_work.write, ("asked.txt",))

    run_in_a_task(work)
    assert recorded.edges() == ["pipe.work -> asked.txt:v0"]


def test_pools_fail_as_they_do_without_us(recorded) -> None:
    def failure(act: Callable[[], object]) -> tuple[type, str]:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is the question
            act()
        return caught.type, str(caught.value).partition(" at 0x")[0]

    def work() -> list[object]:
        with ProcessPoolExecutor(1) as executor, multiprocessing.get_context("fork").Pool(1) as pool:
            return [
                failure(lambda: executor.submit(lambda: 1).result()),
                failure(lambda: executor.submit(at_work.fail, "x").result()),
                failure(lambda: pool.apply(lambda: 1)),
                failure(lambda: pool.apply(at_work.fail, ("x",))),
                failure(lambda: executor.submit()),
            ]

    assert run_in_a_task(work) == work()


# -- event loops ----------------------------------------------------------------------------------


def test_threads_of_an_event_loop_work_for_the_task(recorded) -> None:
    names = prepare("a", "b", "c", "d")

    async def work() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(at_work.copy, names[0])
        await loop.run_in_executor(None, at_work.copy, names[1])
        with ThreadPoolExecutor(1) as pool:
            await loop.run_in_executor(pool, at_work.copy, names[2])
        await anyio.to_thread.run_sync(at_work.copy, names[3])

    run_in_an_async_task(work)
    assert recorded.edges() == copied("pipe.work", "a", "b", "c", "d")


def test_processes_that_an_event_loop_waits_for_work_for_the_task(recorded) -> None:
    names = prepare("a", "b")

    async def work() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, at_work.copy, names[0])
        await anyio.to_process.run_sync(at_work.copy, names[1])

    run_in_an_async_task(work)
    assert recorded.edges() == copied("pipe.work", "a", "b")
    assert misses(recorded) == {}


# -- the fold across processes --------------------------------------------------------------------


def test_the_fold_does_not_mind_in_which_process_a_thing_happened(recorded) -> None:
    prepare("a")

    def work() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            for name in ("scratch.tmp", "final.tmp", "read-back.txt"):
                pool.submit(at_work.write, name).result()
        Path("scratch.tmp").unlink()
        Path("final.tmp").rename("final.txt")
        Path("read-back.txt").read_text()
        Path("a.in").read_text()
        started("fork", at_work.copy, "a")

    run_in_a_task(work)
    assert recorded.edges() == sorted(
        [*copied("pipe.work", "a"), "pipe.work -> final.txt:v0", "pipe.work -> read-back.txt:v0"]
    )
    times = {edge.version: edge.times for edge in recorded.graph().edges}
    assert times[recorded.version("a.in:v0").id] == 2


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_a_child_read_and_overwrote_is_known_as_it_was(recorded, method: str) -> None:
    Path("a.txt").write_text("old")
    run_in_a_task(lambda: started(method, at_work.rewrite, "a.txt"))
    assert recorded.edges() == ["a.txt:v0 -> pipe.work", "pipe.work -> a.txt:v1"]
    assert recorded.version("a.txt:v0").size == 3
    assert not recorded.version("a.txt:v0").raced


def test_what_a_task_read_and_its_forked_child_overwrote_is_known_as_it_was(recorded) -> None:
    Path("a.txt").write_text("older")

    def work() -> None:
        Path("a.txt").read_text()
        started("fork", at_work.write, "a.txt")

    run_in_a_task(work)
    assert recorded.edges() == ["a.txt:v0 -> pipe.work", "pipe.work -> a.txt:v1"]
    assert recorded.version("a.txt:v0").size == 5


# -- what is said in children ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_is_declared_in_a_child_counts_when_the_attempt_completes(recorded, method: str) -> None:
    def work() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            pool.submit(at_work.log, "zoo").result()

    run_in_a_task(work)

    @flow(name="later")
    def later() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            pool.submit(at_work.use, "zoo:best").result()

    later()
    assert recorded.edges() == ["pipe.work -> zoo:v0", "zoo:v0 -> later"]
    assert not recorded.version("zoo:v0").partial
    assert recorded.version("zoo:v0").type == "dataset"


def test_what_is_declared_in_a_child_of_an_attempt_that_fails_stays_partial(recorded) -> None:
    def work() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            pool.submit(at_work.log, "zoo").result()
        raise ValueError("after all")

    with pytest.raises(ValueError, match="after all"):
        run_in_a_task(work)
    assert recorded.version("zoo:v0").partial
    with Lineage(recorded.url, readonly=True) as lineage:
        assert lineage.artifacts()[0].latest is None


def test_what_starts_processes_pickles_while_it_is_watched(recorded) -> None:
    run_in_a_task(lambda: None)
    for function in (os.system, os.execv, os.posix_spawn):
        assert pickle.loads(pickle.dumps(function)) is function
