"""Threads and pools do the work of the run that gave it to them, and of no other."""

from __future__ import annotations

import os
import pickle
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.dummy import Process as DummyProcess
from multiprocessing.pool import ThreadPool

import pytest

from prefect_lineage.capture.attempt import Attempt, claim_id
from prefect_lineage.capture.carrying import Carrying
from prefect_lineage.capture.context import current


@pytest.fixture(autouse=True)
def carrying() -> Iterator[None]:
    before = (threading.Thread.start, ThreadPool.apply_async, ThreadPool.imap, os.system, os.fork)
    patches = Carrying()
    patches.install()
    try:
        yield
    finally:
        patches.remove()
    assert (threading.Thread.start, ThreadPool.apply_async, ThreadPool.imap, os.system, os.fork) == before


def inside(run: str, work: Callable[[], object]) -> Attempt:
    attempt = Attempt(run)
    token, claimed = current.set(attempt), claim_id.set(7)
    try:
        work()
    finally:
        claim_id.reset(claimed)
        current.reset(token)
    return attempt


def who(*_: object) -> tuple[str | None, int]:
    found = current.get()
    return (found.run if found is not None else None), claim_id.get()


def test_a_thread_pool_works_for_whoever_asks_it() -> None:
    pools: list[ThreadPool] = []
    told: list[object] = []
    inside("first", lambda: (pools.append(ThreadPool(1)), told.append(pools[0].apply(who))))
    inside("second", lambda: told.append(pools[0].apply(who)))
    told.append(pools[0].apply(who))
    pools[0].terminate()
    pools[0].join()
    assert told == [("first", 7), ("second", 7), (None, 0)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda pool: pool.apply_async(func=who).get(),
        lambda pool: pool.map(who, [1])[0],
        lambda pool: pool.map_async(who, [1]).get()[0],
        lambda pool: pool.starmap(who, [(1, 2)])[0],
        lambda pool: pool.starmap_async(who, [(1, 2)]).get()[0],
        lambda pool: next(pool.imap(who, [1])),
        lambda pool: next(pool.imap_unordered(who, [1])),
    ],
)
def test_every_way_into_a_thread_pool_carries_the_attempt(ask: Callable[[ThreadPool], object]) -> None:
    told: list[object] = []
    with ThreadPool(1) as pool:
        inside("asker", lambda: told.append(ask(pool)))
        pool.close()
        pool.join()
    assert told == [("asker", 7)]


def test_the_claim_travels_into_executors_and_threads() -> None:
    told: list[object] = []

    def work() -> None:
        with ThreadPoolExecutor(1) as pool:
            told.append(pool.submit(who).result())
        for kind in (threading.Thread, DummyProcess):
            thread = kind(target=lambda: told.append(who()))
            thread.start()
            thread.join()

    inside("asker", work)
    assert told == [("asker", 7)] * 3


def test_a_thread_keeps_its_own_run_and_a_second_start_changes_nothing() -> None:
    told: list[object] = []

    def own() -> None:
        told.append(who())

    def work() -> None:
        thread = threading.Thread()
        thread.run = own  # type: ignore[method-assign]
        thread.start()
        thread.join()
        assert thread.run is own
        with pytest.raises(RuntimeError):
            thread.start()
        assert thread.run is own
        plain = threading.Thread(target=own)
        plain.start()
        plain.join()
        with pytest.raises(RuntimeError):
            plain.start()
        assert "run" not in vars(plain)

    inside("asker", work)
    assert told == [("asker", 7)] * 2


def test_processes_are_counted_once_each() -> None:
    def work() -> None:
        subprocess.run(["true"], check=True)
        os.system("true")
        pid = os.posix_spawn("/bin/true", ["true"], os.environ)
        os.waitpid(pid, 0)

    assert inside("starter", work).misses == {
        "not seen inside: Popen": 1,
        "not seen inside: os.system": 1,
        "not seen inside: os.posix_spawn": 1,
    }


def test_what_starts_processes_pickles_while_it_is_watched() -> None:
    assert pickle.loads(pickle.dumps(os.system)) is os.system
