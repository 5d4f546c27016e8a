"""The drain: a thread that carries this process's journal into the store.

A flow pays for an append to a file; SQL, its import included, is paid for here. Whatever is wrong with the
store, the journal stays, the drain tries again with growing pauses, and whoever waits for it hears one warning.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import multiprocessing
import os
import threading
import time
import weakref
from collections.abc import Callable
from multiprocessing import util
from pathlib import Path
from typing import TYPE_CHECKING

from prefect_lineage.errors import StoreError
from prefect_lineage.store.chance import between
from prefect_lineage.store.journal import Journal, cut_lines, journal_id, warn_once
from prefect_lineage.store.lines import is_no_record
from prefect_lineage.store.loading import Loaded, load, load_batch

if TYPE_CHECKING:
    from prefect_lineage.store.store import Store

__all__ = ["EXIT_S", "PATIENCE_S", "Drain"]

PATIENCE_S = 5.0
"""How long the store that a drain is given should wait for other writers: not so long that nobody hears why."""

EXIT_S = 5.0
"""How long the end of a process waits for its records at most."""

_FORK_S = 0.05
"""How long a fork waits at most for the drain to come to rest."""

_IMPORT_S = 2.0
"""The same while the drain imports SQLAlchemy, once in a process: a child would wait for ever for modules that
are half imported by a thread which it does not have."""

_REOPENED = 3
"""How often a store that is deleted meanwhile is opened again at once."""

_AGAIN_S = 1.0
"""How long a flush waits at most for a store that could not be used when it was tried last."""

_GATHER_S = 2.0
"""For so long records are gathered, unless somebody asks for the store: a transaction for many costs little more than
one for one, and while it runs the flow and the drain take the interpreter from each other for every row."""
_PAUSES_S = (0.2, 30.0)

_log = logging.getLogger("prefect_lineage")


class Drain:
    """Carries one journal into one store. Started by the journal's first record.

    Args:
        journal: of this process.
        open_store: called in the drain's thread, again after a failure or a fork.
    """

    def __init__(self, journal: Journal, open_store: Callable[[], Store]) -> None:
        self._journal = journal
        self._open_store = open_store
        self.before_close: Callable[[float], object] | None = None
        """Called before the end of the process is waited for, with the seconds that it may take."""
        self._inherited: list[Store] = []
        self._has_complained = False
        self._begin()
        journal.on_append = self._wake
        _drains.add(self)

    def flush(self, timeout: float) -> int:
        """Wait until the store has every record appended so far.

        Args:
            timeout: seconds to wait at most; a store that cannot be used is tried once.

        Returns:
            How many records still wait in the journal: 0 is done.
        """
        path, size = self._journal.mark()
        if self._has(path, size):
            return self._journal.unsettled
        self._wake()
        with self._changed:
            self._requests += 1
            request = self._requests
            self._asked = True
            deadline = time.monotonic() + (min(timeout, _AGAIN_S) if self._failing else timeout)
            self._changed.notify_all()
            while not self._has(path, size) and self._is_alive() and self._failed < request:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
        if not self._is_alive():
            self._step()  # threads cannot be started any more: the interpreter is ending
        return self._journal.unsettled if self._has(path, size) else self._waiting(path)

    def complain(self, waiting: int) -> None:
        """Say how many records wait, and where; once, until the store has worked again."""
        if not waiting or self._has_complained:
            return
        self._has_complained = self._journal.is_quiet = True
        reason = f" {self._reason}" if self._reason else ""
        if self._journal.kept:  # said before, and worse
            _log.debug("%d lineage records wait.%s", waiting, reason)
            return
        _log.warning(
            "%d lineage record%s in %s for the store; `prefect-lineage sync` loads %s.%s",
            waiting,
            " waits" if waiting == 1 else "s wait",
            self._journal.directory,
            "it" if waiting == 1 else "them",
            reason,
        )

    @property
    def is_failing(self) -> bool:
        """Whether the store could not be used when it was tried last."""
        return self._failing

    def close(self, timeout: float = EXIT_S) -> int:
        """Flush, end the thread, close the store; delete the journal if the store has all of it.

        Args:
            timeout: seconds for all of it.

        Returns:
            How many records wait in the journal for ``sync``.
        """
        deadline = time.monotonic() + timeout
        if self.before_close is not None:
            self.before_close(timeout)
        waiting = self.flush(max(0.0, deadline - time.monotonic()))
        with self._changed:
            thread, self._closing = self._thread, True
            self._changed.notify_all()
        self._wakeup.set()
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._work.acquire(timeout=max(0.0, deadline - time.monotonic())):
            try:
                if waiting == 0 and self._is_all_there() and self._loaded_id == self._journal.id:
                    self._journal.rotate(self._loaded.position, always=True)
                self._forget_store()
            finally:
                self._work.release()
        lost = self._journal.close()
        if lost:
            warn_once("lost", f"{lost} lineage records are lost: neither the disk nor the store took them.")
        atexit.unregister(self._at_exit)
        return waiting

    def _begin(self) -> None:
        """The state of a drain in a process where nothing has happened yet."""
        self._changed = threading.Condition()
        self._work = threading.Lock()
        self._rests_for: int | None = None
        """The thread that is forking the process, while nothing is carried over for it."""
        self._wakeup = threading.Event()
        self._woken = False
        """A thread runs that will look at the journal from now on."""
        self._thread: threading.Thread | None = None
        self._store: Store | None = None
        self._loaded = Loaded(0)
        self._loaded_id: str | None = None
        self._asked = False
        self._closing = False
        self._importing = False
        self._requests: int = 0
        """How many flushes have asked for the store."""
        self._failed: int = 0
        """The last of them before a try began that failed."""
        self._failing: bool = False
        self._reason: str = ""
        """Why the store could not be used when it was tried last."""
        self._has_complained = False

    def _has(self, path: Path | None, size: int) -> bool:
        """Has the store all of the file up to ``size``? A file that was replaced has been drained."""
        if self._journal.kept or (self._store is not None and self._store.is_gone()):
            return False
        if path is None or self._journal.path != path:
            return True
        return self._loaded_id == journal_id(path) and self._loaded.position + self._loaded.rest >= size

    def _waiting(self, path: Path | None) -> int:
        """How many records are on the way: unread in the file, in memory, postponed."""
        others = self._journal.kept + self._journal.unsettled
        if path is None:
            return others
        position = self._loaded.position if self._loaded_id == journal_id(path) else 0
        try:
            with path.open("rb") as stream:
                stream.seek(position)
                return others + sum(1 for line in stream if not is_no_record(line))
        except OSError:
            return others

    def _wake(self) -> None:
        """There is something to carry. Every record comes here, so it is mostly one look at a flag."""
        if self._woken:
            return
        self._woken = True
        self._wakeup.set()
        if not self._is_alive():
            self._start()
            self._woken = self._is_alive()

    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> None:
        with self._changed:
            if self._is_alive():
                return
            self._closing = False
            thread = threading.Thread(target=self._run, name="prefect-lineage-drain", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # the interpreter is ending; flush works without a thread then
            self._thread = thread
        atexit.unregister(self._at_exit)
        atexit.register(self._at_exit)
        if multiprocessing.parent_process() is not None:
            # Children of multiprocessing leave without atexit, but not without these.
            util.Finalize(self, self._at_exit, exitpriority=10)

    def _at_exit(self) -> None:
        self.complain(self.close(EXIT_S))

    def _run(self) -> None:
        try:
            self._carry_on()
        finally:
            self._woken = False

    def _carry_on(self) -> None:
        pause, longest = _PAUSES_S
        while not self._closing:
            self._wakeup.wait()
            self._wakeup.clear()
            with self._changed:
                self._changed.wait_for(self._is_pressed, _GATHER_S)
                self._asked = False
            self._woken = False  # before the journal is looked at: what comes from now on wakes again
            if self._step():
                pause = _PAUSES_S[0]
                continue
            with self._changed:
                self._changed.wait_for(self._is_pressed, pause * between(0.5, 1.0))
            pause = min(pause * 2, longest)
            self._woken = True
            self._wakeup.set()

    def _is_pressed(self) -> bool:
        return self._asked or self._closing

    def _step(self) -> bool:
        """Carry over all that is there; False if the store could not be used."""
        with self._work:
            with self._changed:
                tried_for, begun = self._requests, time.monotonic()
            try:
                self._carry()
            except Exception as error:  # noqa: BLE001 - a flow must not notice, whatever is wrong with its store
                _log.debug("Lineage waits in %s: %s", self._journal.directory, error)
                self._forget_store()
                with self._changed:
                    self._reason = _as_sentence(error)
                    # A long try was one of waiting, for a lock or a host, and went on after the latest request.
                    lasted = time.monotonic() - begun > _AGAIN_S
                    self._failed = self._requests if lasted else tried_for
                    self._failing = True
                    self._changed.notify_all()
                return False
            self._failing, self._reason = False, ""
            self._has_complained = self._journal.is_quiet = False
            return True

    def _carry(self) -> None:
        if self._journal.path is None and not self._journal.kept:
            return
        for _ in range(_REOPENED):
            store = self._opened()
            self._carry_file(store)
            self._carry_kept(store)
            if self._is_all_there():
                self._journal.rotate(self._loaded.position)
                with self._changed:
                    self._changed.notify_all()
                return
            # Somebody has deleted or replaced it. What this file of the journal told it, the next one is told again.
            self._forget_store()
        raise StoreError(f"The store {self._opened().url} is deleted again and again.")

    def _opened(self) -> Store:
        if self._store is None:
            self._import()
            self._store = self._open_store()
            self._loaded_id = None
        return self._store

    def _is_all_there(self) -> bool:
        return self._store is not None and not self._store.is_gone()

    def _carry_file(self, store: Store) -> None:
        path = self._journal.path
        if path is None:
            return
        if self._loaded_id != journal_id(path):
            # Asked, not remembered: a commit may have come through whose answer was lost.
            self._loaded = Loaded(store.position(journal_id(path)))
            self._loaded_id = journal_id(path)
        while load(store, path, self._loaded):
            with self._changed:
                self._changed.notify_all()

    def _carry_kept(self, store: Store) -> None:
        """What the journal could not write goes to the store from memory."""
        if not self._journal.kept:
            return
        journal, start, lines = self._journal.in_memory()
        position = store.position(journal)
        if position < start:  # another store: what the one before had is not here any more
            store.apply([], journal=journal, position=start)
        loaded = Loaded(max(position, start))
        aside = self._journal.directory / f"{journal}.rejected"
        while load_batch(
            store, journal, cut_lines(lines[loaded.position - start :], loaded.position), loaded, aside
        ):
            pass
        self._journal.taken(journal, loaded.position)

    def _import(self) -> None:
        self._importing = True
        try:
            importlib.import_module("prefect_lineage.store.store")
        finally:
            self._importing = False

    def _forget_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            try:
                store.close()
            except Exception as error:  # noqa: BLE001 - it is being given up because it is broken
                warn_once("close", f"The lineage store could not be closed: {error}")

    def _before_fork(self) -> None:
        # A fork in the middle of an import or a transaction would leave locks in the child that nobody opens.
        if self._work.acquire(timeout=_IMPORT_S if self._importing else _FORK_S):
            self._rests_for = threading.get_ident()

    def _after_fork_in_parent(self) -> None:
        if self._rests_for == threading.get_ident():  # another thread may be forking too
            self._rests_for = None
            self._work.release()

    def _after_fork_in_child(self) -> None:
        if self._store is not None:
            self._inherited.append(self._store)  # its connections are the parent's: never closed here
        self._begin()


_drains: weakref.WeakSet[Drain] = weakref.WeakSet()


def _as_sentence(error: Exception) -> str:
    words = str(error) or type(error).__name__
    return words if words.endswith(".") else f"{words}."


def _each(act: Callable[[Drain], None]) -> Callable[[], None]:
    def act_on_each() -> None:
        for drain in list(_drains):
            act(drain)

    return act_on_each


os.register_at_fork(
    before=_each(Drain._before_fork),  # noqa: SLF001 - the module's own class
    after_in_parent=_each(Drain._after_fork_in_parent),  # noqa: SLF001
    after_in_child=_each(Drain._after_fork_in_child),  # noqa: SLF001
)
