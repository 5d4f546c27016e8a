"""What the runs of one process returned, by run. Small, for a flow may have a hundred thousand of them."""

from __future__ import annotations

import pickle
import sqlite3
import sys
import threading

from prefect_lineage.capture.guard import log
from prefect_lineage.capture.spilled import Spilled
from prefect_lineage.capture.values import Returned
from prefect_lineage.forking import told_in_child

__all__ = ["ByRun"]

_Alone = tuple[int, str, str]
"""Attempt, job and root of a run whose value is one that everybody may have: there is no more to know of it."""

_Found = Returned | _Alone | None

IN_MEMORY = 10_500
"""More than there can be in a process whose runs belong to no flow: those are bounded already."""

_JOBS = 1_000
"""How many jobs of a flow share what is alike for all their runs. A run without a flow is one that nobody shares."""

_OURS = 4
"""References to an object that nobody else has: of the dictionary, a list of its members, a variable, the question."""


class ByRun:
    """Maps UUIDs of runs to what they returned; None is a run of which nothing is to be known.

    Args:
        in_memory: how many are kept in memory; those that were told, or asked for, longest ago lie on disk.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = self._most = in_memory
        self._found: dict[bytes, _Found] = {}
        self._alone: dict[_Alone, _Alone] = {}  # one object for all runs of a job
        self._spilled = Spilled()
        self._inherited: list[Spilled] = []
        self._lock = threading.RLock()
        _all.add(self)

    def __setitem__(self, run: str, returned: Returned | None) -> None:
        with self._lock:
            if (
                returned is None
                or not returned.alone
                or returned.recorded
                or returned.remote
                or returned.content
            ):
                self._keep(_key(run), returned)
                return
            self.put_alone(run, (returned.attempt, returned.job, returned.root))

    def put_alone(self, run: str, known: _Alone) -> None:
        """The run returned something that everybody may have."""
        with self._lock:
            if known not in self._alone:
                if len(self._alone) > _JOBS:
                    self._alone.clear()
                self._alone[known] = known
            self._keep(_key(run), self._alone[known])

    def __contains__(self, run: str) -> bool:
        key = _key(run)
        with self._lock:
            return key in self._found or self._spilled.get(key) is not None

    def get(self, run: str) -> Returned | None:
        """What the run returned, always the same object."""
        key = _key(run)
        with self._lock:
            found = self._found[key] if key in self._found else self._from_disk(key)
            if isinstance(found, tuple):
                attempt, job, root = found
                found = self._found[key] = Returned(run, attempt, job, root=root, alone=True)
            return found

    def drop(self, run: str) -> None:
        """Forget one run."""
        with self._lock:
            self._found.pop(_key(run), None)
            self._spilled.drop(_key(run))

    def forget(self, root: str) -> None:
        """Forget the runs inside an outermost one, and those of which nothing is to be known."""
        with self._lock:
            gone = {
                key
                for key, found in self._found.items()
                if found is None or (found[2] if isinstance(found, tuple) else found.root) == root
            }
            self._found = {key: found for key, found in self._found.items() if key not in gone}
            self._alone = {known: known for known in self._alone if known[2] != root}
            self._bound()
            try:
                self._spilled.forget(root, gone)  # what was told of them before may lie there
            except sqlite3.Error as error:
                log.debug("what runs returned long ago is forgotten: %s", error)
                self._spilled.close()

    def after_fork(self) -> None:
        """In a child: neither a lock nor a connection may be used on both sides of a fork."""
        self._lock = threading.RLock()
        self._inherited.append(self._spilled)  # kept: the child must not close it either
        self._spilled = Spilled()

    def _keep(self, key: bytes, found: _Found) -> None:
        self._found[key] = found
        if len(self._found) > self._most:
            self._spill()

    def _from_disk(self, key: bytes) -> _Found:
        kept = self._spilled.get(key)
        if kept is None or kept[1] is None:
            return None
        found: _Found = pickle.loads(kept[1])  # noqa: S301 - this process has written it, where nobody else can
        self._keep(key, found)
        return found

    def _spill(self) -> None:
        """Bring the oldest to disk, but for what others hold: on that they may still note something."""
        rows: list[tuple[bytes, str | None, bytes | None]] = []
        for key, found in list(self._found.items()):
            if found is None:
                rows.append((key, None, None))
            elif isinstance(found, tuple) or sys.getrefcount(found) <= _OURS:
                rows.append((key, _root_of(found), pickle.dumps(found)))
            if len(rows) > self._in_memory // 2:
                break
        try:
            self._spilled.put(sorted(rows))
        except sqlite3.Error as error:
            log.debug("what runs returned stays in memory: %s", error)
        else:
            for key, *_ in rows:
                del self._found[key]
        self._bound()

    def _bound(self) -> None:
        """Say when to spill next: not at once, where most of it could not be."""
        kept, half = len(self._found), self._in_memory // 2
        self._most = self._in_memory if kept <= half else kept + half


_all = told_in_child(ByRun.after_fork)


def _root_of(found: _Found) -> str | None:
    """The outermost run; None where nothing is to be known."""
    if found is None:
        return None
    return found[2] if isinstance(found, tuple) else found.root


def _key(run: str) -> bytes:
    try:
        return bytes.fromhex(run.replace("-", ""))
    except ValueError:
        return run.encode()
