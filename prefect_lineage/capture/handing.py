"""Processes that a user starts inside a run do its work: its attempt is handed over with the work.

A process that runs the user's own code has the attempt for all its life; a pool's worker has it item by item,
and none in between, for it may outlive the run that started it. Prefect's own pools and processes are left
alone. What happens in programs that are not ours to reach is counted, and shown with the run.
"""

from __future__ import annotations

import functools
import inspect
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count
from multiprocessing.pool import Pool, ThreadPool
from multiprocessing.process import BaseProcess
from types import FrameType, ModuleType
from typing import Any

import wrapt

from prefect_lineage.capture.attempt import Access, Attempt, claim_id, pending
from prefect_lineage.capture.children import Carrier, carried
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.guard import guarded
from prefect_lineage.capture.noise import via_of
from prefect_lineage.capture.patching import Patches
from prefect_lineage.capture.programs import note_program, words_of
from prefect_lineage.capture.pythons import exported, inherited, is_python, may_start_python, post

__all__ = ["Processes"]

_RUNNERS = ("prefect", "prefect_lineage", "anyio", "distributed", "ray", "uvicorn")
"""Who runs processes for itself, and not for the task in which it happens to start them."""

_POOLS = ("concurrent", "multiprocessing", "joblib", "loky")
"""Whose processes are workers and servers: they get the attempt with each item of work, or not at all."""

_POOLED = ("apply_async", "map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")
"""What hands a function to the workers of a ``Pool``; its ``apply`` calls ``apply_async``."""

_OPAQUE: tuple[tuple[Any, str, str], ...] = (
    (subprocess.Popen, "__init__", "Popen"),
    (os, "system", "os.system"),
    (os, "posix_spawn", "os.posix_spawn"),
    (os, "posix_spawnp", "os.posix_spawn"),
)
_POPEN = tuple(inspect.signature(subprocess.Popen.__init__).parameters)[1:]
"""The names of its arguments, in their order."""

_BECOMING = ("execv", "execve")
"""What all of ``os.exec…`` and ``os.spawn…`` come to."""

_STARTERS = ("subprocess", "multiprocessing")
"""Modules that call functions of :mod:`os` for what is counted already."""

_LATER = {
    "anyio.to_process": "_patch_anyio",
    "joblib.externals.loky.process_executor": "_patch_loky",
    "loky.process_executor": "_patch_loky",
}


class Processes:
    """The patches on what starts processes."""

    def __init__(self) -> None:
        self._patches = Patches()
        self._hooked = False

    def install(self) -> None:
        """Let child processes inherit; a second call does nothing."""
        if self._patches.installed:
            return
        self._patches.replace(BaseProcess, "start", _starting(BaseProcess.start))
        submit = ProcessPoolExecutor.submit
        self._patches.replace(ProcessPoolExecutor, "submit", _submitting(submit, "ProcessPoolExecutor"))
        for name in _POOLED:
            self._patches.replace(Pool, name, _pooling(getattr(Pool, name)))
        for owner, name, what in _OPAQUE:
            if hasattr(owner, name):  # os has not all of them on every system
                self._patches.replace(owner, name, _counting(getattr(owner, name), owner, what))
        for name in _BECOMING:
            self._patches.replace(os, name, _becoming(getattr(os, name)))
        for name in _LATER:
            if name in sys.modules:
                self._patch(sys.modules[name])
            elif not self._hooked:
                # wrapt cannot take a hook back: it stays, and looks whether we are still installed
                wrapt.register_post_import_hook(self._patch, name)
        self._hooked = True

    def remove(self) -> None:
        """Put the originals back; a second call does nothing."""
        self._patches.restore()

    def _patch(self, module: ModuleType) -> None:
        if self._patches.installed:
            getattr(self, _LATER[module.__name__])(module)

    def _patch_loky(self, module: ModuleType) -> None:
        executor = module.ProcessPoolExecutor
        self._patches.replace(executor, "submit", _submitting(executor.submit, "joblib"))

    def _patch_anyio(self, module: ModuleType) -> None:
        self._patches.replace(module, "run_sync", _handing_to_anyio(module.run_sync))
        self._patches.rebind()


# -- processes of the user's own code -------------------------------------------------------------


def _starting(original: Callable[[BaseProcess], None]) -> Callable[[BaseProcess], None]:
    @functools.wraps(original)
    def start(process: BaseProcess) -> None:
        attempt = current.get()
        if attempt is None:
            return original(process)
        if _is_service(process):
            with paused():  # a forked worker inherits what is current now
                return original(process)
        attempt.hands_over("multiprocessing.Process")
        own = {"run": vars(process)["run"]} if "run" in vars(process) else {}
        process.run = functools.partial(_run, process, own, attempt, claim_id.get())  # type: ignore[method-assign]
        try:
            return original(process)
        finally:
            _put_back(process, own)

    return start


def _run(process: BaseProcess, own: dict[str, Any], whose: Attempt | Carrier, claim: int) -> None:
    _put_back(process, own)
    carried(whose, "multiprocessing.Process", claim, process.run)


def _put_back(process: BaseProcess, own: dict[str, Any]) -> None:
    """Leave the process as its user made it."""
    vars(process).pop("run", None)
    vars(process).update(own)


def _is_service(process: BaseProcess) -> bool:
    """Whether a library runs the process for itself, told by its class and its target."""
    return _top(type(process)) in _RUNNERS or _top(getattr(process, "_target", None)) in _RUNNERS + _POOLS


def _top(thing: Any) -> str:
    """The package that a callable comes from, and what a partial comes down to."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    module = getattr(thing, "__module__", None) or getattr(type(thing), "__module__", None)
    return str(module).partition(".")[0]


# -- pools ----------------------------------------------------------------------------------------


def _submitting(original: Callable[..., Any], way: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def submit(pool: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is None or _top(fn) in _RUNNERS or _package(sys._getframe(1)) in _RUNNERS:  # noqa: SLF001
            return original(pool, fn, *args, **kwargs)
        attempt.hands_over(way)
        return original(pool, carried, attempt, way, claim_id.get(), fn, *args, **kwargs)

    return submit


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _pooling(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def handed(pool: Pool, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is not None:
            way = "" if isinstance(pool, ThreadPool) else "multiprocessing.Pool"
            if way:
                attempt.hands_over(way)
            func = functools.partial(carried, attempt, way, claim_id.get(), func)
        return original(pool, func, *args, **kwargs)

    return handed


def _handing_to_anyio(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(original)
    async def run_sync(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is None:
            return await original(func, *args, **kwargs)
        attempt.hands_over("anyio.to_process")
        func = functools.partial(carried, attempt, "anyio.to_process", claim_id.get(), func)
        with paused():  # the worker that it may start is its own, and none that cannot be seen
            return await original(func, *args, **kwargs)

    return run_sync


# -- what cannot be reached -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Start:
    """A program that is about to be started.

    Attributes:
        words: of the command, as far as they can be told apart.
        line: the same, where a shell is to read it.
        environment: the variables that it will have.
        arguments: those of ``Popen``, by name; None if it has others.
    """

    words: list[str]
    folder: Any
    environment: Mapping[Any, Any]
    line: bool = False
    arguments: dict[str, Any] | None = None


def _counting(original: Callable[..., Any], owner: Any, what: str) -> Callable[..., Any]:
    """Count the programs that a run starts and that cannot be seen inside: what those did is not in its lineage."""

    @functools.wraps(original)
    def started(*args: Any, **kwargs: Any) -> Any:
        attempt = current.get()
        if attempt is None:
            return original(*args, **kwargs)
        caller = sys._getframe(1)  # noqa: SLF001
        again = owner is os and str(caller.f_globals.get("__name__")).startswith(_STARTERS)
        via = None if again or _is_for_a_pool(caller) else via_of(caller, what)
        if via is None:
            return original(*args, **kwargs)
        start = _start_of(owner, args, kwargs)
        way = start and _way(attempt, start, what)
        if not way:
            attempt.missed(f"not seen inside: {what}")
        named = start and _named(attempt, via, start, way or "")
        if start is not None and way:
            args, kwargs = _with_letter(attempt, start, way, args, kwargs) or (args, kwargs)
        result = original(*args, **kwargs)
        for access in named or ():
            if access.existed:
                pending.expect(access)
            attempt.add(access)
        return result

    if owner is os:
        started.__module__ = "os"  # not "posix": it is found, and pickled, where it was put
    return started


@guarded
def _start_of(owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Start:
    """What is started; ``os.system`` has a line for the shell, ``os.posix_spawn`` a list."""
    if owner is os:
        line = len(args) == 1
        return _Start(words_of(args[0] if line else args[1], by_shell=line), None, os.environ, line)
    places = dict(zip(_POPEN, args[1:], strict=False))
    line = bool((places | kwargs).get("shell"))
    named = None if len(args) > len(_POPEN) + 1 or places.keys() & kwargs.keys() else places | kwargs
    places |= kwargs
    environment = places.get("env")
    words = words_of(places.get("args"), by_shell=line)
    return _Start(words, places.get("cwd"), os.environ if environment is None else environment, line, named)


_ways = count()


@guarded
def _way(attempt: Attempt, start: _Start, what: str) -> str | None:
    """The name under which a Python that is started reports; None where none can come of it, or it cannot be told."""
    reachable = start.arguments is not None or (what == "os.system" and start.line)
    if not reachable or not may_start_python(start.words, start.folder, start.environment):
        return None
    way = f"{what}#{os.getpid()}.{next(_ways)}"
    attempt.hands_over(way)
    return way


@guarded
def _named(attempt: Attempt, via: str, start: _Start, way: str) -> list[Access]:
    """The files that the command names; nothing is inferred of a Python, if it can be seen inside."""
    alone = way and not start.line and is_python(start.words, start.environment)
    return note_program(attempt, via, start.words, start.folder, given=way if alone else "")


@guarded
def _with_letter(
    attempt: Attempt, start: _Start, way: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The arguments of the call, with what a Python needs to report."""
    variables = post(attempt, way, start.environment)
    if variables is None:
        return None
    if start.arguments is None:
        return (exported(variables, os.fsdecode(args[0])),), kwargs
    environment = inherited() if start.arguments.get("env") is None else start.environment
    others = {name: value for name, value in environment.items() if os.fsdecode(name) not in variables}
    return args[:1], {**start.arguments, "env": {**others, **variables}}


def _is_for_a_pool(frame: FrameType | None) -> bool:
    """Whether a pool starts a program for its own needs: joblib asks ``lscpu`` how many cores there are."""
    while frame is not None and _package(frame) == "subprocess":
        frame = frame.f_back
    return frame is not None and _package(frame) in _POOLS


def _becoming(original: Callable[..., Any]) -> Callable[..., Any]:
    """Count what a forked process turns into; a search for the program comes here for every folder."""

    @functools.wraps(original)
    def become(path: Any, *args: Any) -> Any:
        attempt = current.get()
        if attempt is not None and os.path.isfile(path) and via_of(sys._getframe(1), "os.exec"):  # noqa: PTH113, SLF001
            attempt.missed("not seen inside: os.exec")
        return original(path, *args)

    become.__module__ = "os"
    return become
