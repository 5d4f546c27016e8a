"""The recorder: begins and ends runs and attempts, and hands complete records to the journal.

Everything here is called around the user's code. Nothing here raises into it: each public method of
:class:`Recorder` is guarded, and what goes wrong is logged once and counted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextvars import Token
from functools import lru_cache, partial
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from prefect_lineage.capture.attempt import Access, Attempt, Operation, pending
from prefect_lineage.capture.attempt_edges import edges_told
from prefect_lineage.capture.carrying import Carrying
from prefect_lineage.capture.children import gather
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.fingerprints import fingerprint
from prefect_lineage.capture.fold import deleted, fold
from prefect_lineage.capture.guard import guarded, unseen
from prefect_lineage.capture.identity import Identity, local_path
from prefect_lineage.capture.interception import Interceptors
from prefect_lineage.capture.losses import losses_of
from prefect_lineage.capture.members import Wholes
from prefect_lineage.capture.net import Net
from prefect_lineage.capture.noise import Noise
from prefect_lineage.capture.observing import Observing
from prefect_lineage.capture.passing import Passing
from prefect_lineage.capture.postponing import Large, Postponing
from prefect_lineage.capture.redact import Redactor
from prefect_lineage.capture.scrubbing import scrubbed_run
from prefect_lineage.capture.shared_opens import shared_opens
from prefect_lineage.capture.values import Values
from prefect_lineage.model.records import Deletion, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.plugins import Plugins
from prefect_lineage.settings import Settings, prefect_home
from prefect_lineage.store.drain import PATIENCE_S, Drain
from prefect_lineage.store.journal import Journal
from prefect_lineage.store.lines import Postponed

if TYPE_CHECKING:
    from prefect_lineage.store.store import Store

__all__ = ["Recorder", "patience"]

log = logging.getLogger("prefect_lineage")

FLUSH_SECONDS = 10.0
"""How long the end of an outermost flow run waits for the store."""

LOOP_SECONDS = 0.2
"""The same where an event loop would stand still meanwhile; the drain goes on behind it."""

R = TypeVar("R")


def patience() -> float:
    """Seconds that the end of a run may wait for the store, here and now."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return FLUSH_SECONDS
    return LOOP_SECONDS


class Recorder:
    """Capture's memory of one process, from an access to a line in the journal.

    Args:
        settings: what holds here.
        plugins: the hooks of this process.
    """

    def __init__(self, settings: Settings, plugins: Plugins | None = None) -> None:
        self.settings = settings
        self.plugins = plugins or Plugins(settings.disable)
        self.digester = Digester(settings.digest, settings.hash_limit)
        self.identity = Identity(str(settings.root), settings.namespace)
        self.redactor = Redactor(settings.redact, self.plugins)
        self._observed_by_plugins = self.plugins.implements("lineage_after_run")
        self.values = Values(self.digester, self.plugins)
        self.passing = Passing(self, self.values)
        self.journal = Journal(settings.journal_dir, fsync=settings.fsync)
        self.drain = Drain(self.journal, self._open_store)
        self.postponing = Postponing(self.digester, self.postpone, self.settle)
        self.observing = Observing(self.identity, self.redactor, self.digester, self.postponing)
        self.drain.before_close = self.postponing.hashing.wait
        self._net = Net(self.digester)
        self._interceptors = Interceptors(self.prepare, self._locate)
        self._noise = Noise(settings.ignore, self._own_files(), self.plugins)
        self._carrying = Carrying()
        self._netted = False
        self._spreading = RLock()
        self._stores: dict[int, Store] = {}
        self._wholes = Wholes()

    def _own_files(self) -> list[str]:
        own = [str(prefect_home()), str(self.settings.journal_dir)]
        if self.settings.url.startswith("sqlite:///"):
            store = self.settings.url.removeprefix("sqlite:///")
            own += [store, f"{store}-wal", f"{store}-shm", f"{store}-journal"]
        return own

    def _open_store(self) -> Store:
        from prefect_lineage.store.store import Store

        chosen = self.settings
        return Store.open(chosen.url, root=str(chosen.root), durable=chosen.fsync, patience=PATIENCE_S)

    def read(self, question: Callable[[Store], R]) -> R:
        """Ask the store something, with everything in it that this process has recorded.

        Raises:
            LineageError: the store cannot be read, or has no answer.
        """
        with paused():
            self._flushed(FLUSH_SECONDS)
            store = self._stores.get(os.getpid())
            if store is None:  # a forked child opens its own
                store = self._stores[os.getpid()] = self._open_store()
            return question(store)

    @property
    def problems(self) -> dict[str, str]:
        """What plugins and adapters did wrong, by name; what the user has switched off is none."""
        switched_off = set(self.settings.disable)
        found = self.plugins.problems | self._interceptors.problems
        return {name: what for name, what in found.items() if name not in switched_off}

    def _locate(self, target: object) -> str | None:
        location = self.plugins.first("lineage_location", target=target)
        return location.uri if isinstance(location, Location) else None

    # -- runs ------------------------------------------------------------------------------------

    @unseen
    def begin_run(self, run: RunRecord) -> None:
        """A run has started: it is known from now on, whatever becomes of it."""
        self.begun(scrubbed_run(self.redactor, run))

    def begun(self, run: RunRecord) -> None:
        """The same for a run without secrets, where nothing is seen and faults are guarded already."""
        if not self._netted:
            self.spread_nets()
        self.write(Record(run))

    @unseen
    def end_run(self, run: RunRecord) -> None:
        """A run has ended, in the state that ``run`` says."""
        self.observed(Record(scrubbed_run(self.redactor, run), attempt=run.attempt or 1))

    @guarded
    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Bring the store up to date; says where the records wait if that takes too long."""
        with paused():
            waiting = self._flushed(timeout)
        if timeout > LOOP_SECONDS or self.drain.is_failing:
            self.drain.complain(waiting)

    def _flushed(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        self.postponing.hashing.wait(timeout)
        return self.drain.flush(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Take the nets in and bring the store up to date."""
        self._net.remove()
        self._interceptors.remove()
        self._carrying.remove()
        self._netted = False
        with paused():
            self.drain.close()
            store = self._stores.pop(os.getpid(), None)
            if store is not None:
                store.close()

    def spread_nets(self) -> None:
        """Watch what this process does from now on; a second call does nothing."""
        if self._netted:
            return
        with self._spreading, paused():
            if not self._netted:
                for spread in (self._net.install, self._carrying.install, self._watch):
                    self._spread(spread)
                self._netted = True

    @guarded  # each by itself: where one net cannot be spread, the others are
    def _spread(self, install: Callable[[], None]) -> None:
        install()

    def _watch(self) -> None:
        self._interceptors.install(
            (name, interceptor)
            for name, found in self.plugins.each("lineage_interceptors")
            for interceptor in found
        )

    def write(self, record: Record) -> None:
        """Put a record into the journal: from here on it cannot be lost. To be called where nothing is seen."""
        self.journal.append(record)

    def observed(self, record: Record) -> None:
        """Write what an attempt or a run ended with, and tell the plugins. To be called as :meth:`begun`."""
        self.write(record)
        if not self._observed_by_plugins:
            return
        if self.postponing.hashing.is_busy:  # plugins hear of a run's attempts before they hear of its end
            self.postponing.hashing.put(lambda: self._tell(record))
        else:
            self._tell(record)

    def _tell(self, record: Record) -> None:
        with paused():
            for _ in self.plugins.each("lineage_after_run", record=record):
                pass

    def postpone(self, postponed: Postponed) -> None:
        """Put into the journal what is known of a record before its files are hashed."""
        with paused():
            self.journal.postpone(postponed)

    def settle(self, key: str, record: Record) -> None:
        """Write what was postponed, and tell the plugins."""
        with paused():
            self.journal.settle(key, record)
        self._tell(record)

    # -- attempts --------------------------------------------------------------------------------

    def begin_attempt(
        self,
        run: str,
        number: int,
        job: str,
        storage: tuple[str, ...] = (),
        *,
        may_fail: bool = False,
        remote: bool = False,
        root: str | None = None,
    ) -> tuple[Attempt, Token[Attempt | None]]:
        """From here on, in this context, what happens belongs to this attempt.

        Args:
            remote: what it returns goes to another process.
            root: the outermost run, where that runs in another process.
        """
        limit = self.settings.max_edges_per_run
        folders = tuple(map(_real, storage))
        outer = current.get()
        root = outer.root if outer is not None else root or run
        attempt = Attempt(
            run,
            number,
            job,
            root,
            above=(*outer.above, outer.run) if outer is not None else (),
            may_fail=may_fail,
            limit=limit,
            storage=folders,
            remote=remote,
            settings=self.settings,
            pid=Attempt.here,
        )
        Attempt.running += 1
        return attempt, current.set(attempt)

    def end_attempt(self, attempt: Attempt, run: RunRecord, *, completed: bool) -> None:
        """Fold what the attempt did and record it; ``completed`` is False if it failed."""
        if attempt.pid != Attempt.here:
            return  # a forked child has come out of the user's code: the attempt ends where it began
        attempt.closed = True
        Attempt.running -= 1
        if run.state is not None or run.details or not attempt.did_nothing:
            self._folded(attempt, run, completed=completed)

    @unseen
    def _folded(self, attempt: Attempt, run: RunRecord, *, completed: bool) -> None:
        attempt.large = Large()
        if attempt.ways:
            gather(attempt)
        if attempt.opened:
            shared_opens.end(attempt)
        noise = partial(self._noise, storage=attempt.storage)
        touches = fold(attempt.accesses, noise, nested=attempt.nested, wholes=self._wholes)
        edges = []
        for touch in touches:
            if touch.access.own:
                self._wholes.remember(touch.access)
            edge = self.observing.edge(attempt, touch, completed=completed)
            if edge is not None:
                edges.append(edge)
        pending.forget(attempt.accesses)
        self._bound(attempt, edges)
        losses = self._losses(attempt)
        gone = self._deletions(attempt)
        declared = attempt.may_fail and attempt.declared and attempt.outputs
        if not (edges or declared or gone or run.details or losses or run.state is not None):
            return  # nothing that the run's own records do not say
        if losses or run.details or run.name or run.attempt != attempt.number:
            told = replace(run, attempt=attempt.number, details={**run.details, **losses})
            run = scrubbed_run(self.redactor, told)
        self._told_at_end(attempt, run, edges, gone, completed=completed)

    def _told_at_end(
        self,
        attempt: Attempt,
        run: RunRecord,
        edges: list[EdgeRecord],
        gone: tuple[Deletion, ...],
        *,
        completed: bool,
    ) -> None:
        """Record the attempt: now, or as soon as what is large is hashed by another thread."""

        def tell(observed: list[EdgeRecord]) -> Record:
            told = edges_told(attempt, observed, completed=completed)
            return Record(run, attempt.number, tuple(told[: self.settings.max_edges_per_run]), gone)

        if attempt.large is not None and attempt.large.seen:
            if run.state is not None:
                self.write(Record(run, attempt.number))
            self.postponing.postpone(attempt.run, attempt.large, edges, tell)
        else:
            self.observed(tell(edges))

    def _losses(self, attempt: Attempt) -> dict[str, Any]:
        if attempt.run == attempt.root:  # of the process, too
            return losses_of(attempt, self.problems, self._interceptors.watched)
        return losses_of(attempt, {}, ())

    def _deletions(self, attempt: Attempt) -> tuple[Deletion, ...]:
        found = deleted(attempt.accesses)
        if not found:
            return ()
        return tuple(
            Deletion(self.observing.location(access.target), access.before.digest, access.at)
            for access in found
            if access.before is not None
        )

    def _bound(self, attempt: Attempt, observed: list[EdgeRecord]) -> None:
        """Count what of the observed edges the record has no room for, and say it."""
        limit = self.settings.max_edges_per_run
        if len(observed) + len(attempt.declared) <= limit:
            return
        all_edges = [*observed, *(attempt.outputs if attempt.may_fail else ())]
        number = len(all_edges)
        if number > limit:
            for edge in all_edges[limit:]:
                attempt.leave_out(edge.location.uri)
            log.warning(
                "Lineage dropped %d of %d edges of run %s: PREFECT_LINEAGE_MAX_EDGES_PER_RUN is %d.",
                number - limit,
                number,
                attempt.run,
                limit,
            )

    def prepare(self, operation: Operation, target: str, via: str) -> Access:
        """What an adapter's access must know before the call."""
        path = local_path(target)
        if path is None:
            return Access(operation, target, via)
        if path.startswith("~"):
            path = os.path.expanduser(path)  # noqa: PTH111 - no Path object in a hot path
        path = os.path.abspath(path)  # noqa: PTH100 - no symlink may be resolved yet
        access = self._net.prepare(operation, path, via)
        if operation == "read":
            access.known = fingerprint(path)
            if access.known is not None or os.path.exists(path):  # noqa: PTH110
                pending.expect(access)
        return access


@lru_cache(maxsize=64)
def _real(folder: str) -> str:
    """Where the runner keeps its results: a few places in a process, asked for by every attempt."""
    return os.path.realpath(folder)
