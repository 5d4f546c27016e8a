"""One attempt of a run while it runs: what it did, in the order in which it did it.

Accesses arrive from any thread; appending to a list is atomic, so nothing is locked here.
"""

from __future__ import annotations

import os
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from pathlib import PurePath
from threading import RLock
from typing import Any, Literal

from prefect_lineage.capture.fingerprints import Fingerprint, fingerprint
from prefect_lineage.model.records import Content, EdgeRecord
from prefect_lineage.model.times import now

__all__ = ["Access", "Attempt", "Operation", "Pending", "claim_id", "late", "pending"]

Operation = Literal["read", "write", "append", "update", "rename", "delete"]

claim_id: ContextVar[int] = ContextVar("prefect_lineage_claim", default=0)
"""The adapter's claim inside which this code runs; 0 is none."""

late: defaultdict[str, int] = defaultdict(int)
"""How many accesses of this process came after the end of their attempt, by job: nobody asks for them."""

_claim_numbers = count(1)


def next_claim() -> int:
    """A number for a claim, unique in this process."""
    return next(_claim_numbers)


@dataclass(slots=True, eq=False)
class Access:
    """One thing done to one place.

    Attributes:
        target: an absolute path, or a URI.
        claim: the claim inside which it happened; 0 is none.
        own: the claim that *is* this access, when an adapter made it; 0 for a raw one.
        existed: whether the place existed before (writes only).
        before: the content before the access, where it had to be known at once.
        known: the fingerprint at the time of a read, to tell later whether it still is the same file.
        origin: where a renamed thing came from.
        handle: the open file, for as long as somebody holds it.
    """

    operation: Operation
    target: str
    via: str
    at: int = field(default_factory=now)
    claim: int = 0
    own: int = 0
    existed: bool = False
    before: Content | None = None
    known: Fingerprint | None = None
    origin: str | None = None
    handle: weakref.ref[Any] | None = None
    type: str | None = None
    format: str | None = None
    rows: int | None = None
    schema: tuple[tuple[str, str], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    times: int = 1

    @property
    def writes(self) -> bool:
        return self.operation != "read"


@dataclass(slots=True, eq=False)
class Attempt:
    """What one attempt of one run has done so far.

    Attributes:
        run: the run's UUID.
        number: the attempt, from 1.
        root: the UUID of the outermost run that this one is nested in.
        accesses: raw and claimed accesses, in order.
        may_fail: what is declared in it counts only when it has completed (a task's attempt); what the body of
            a flow declares counts at once, for the tasks that it calls next may use it.
        declared: edges that the user declared or that values brought, complete already.
        names: what the user called the places of this attempt.
        storage: directories that belong to the runner's own result storage.
        dropped: accesses that were beyond the limit.
        misses: what could not be understood, counted by reason.
        closed: it has ended; what threads of it still do is only counted, in :data:`late`.
    """

    run: str
    number: int = 1
    job: str = ""
    root: str = ""
    may_fail: bool = False
    limit: int = 10_000
    accesses: list[Access] = field(default_factory=list)
    declared: list[EdgeRecord] = field(default_factory=list)
    names: dict[str, EdgeRecord] = field(default_factory=dict)
    storage: tuple[str, ...] = ()
    dropped: int = 0
    misses: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    closed: bool = False

    def add(self, access: Access) -> None:
        """Keep an access, or count it when there are too many or the attempt has ended."""
        if self.closed:
            late[self.job] += 1
            pending.forget((access,))
        elif len(self.accesses) < self.limit * 4:
            self.accesses.append(access)
        else:
            self.dropped += 1
            pending.forget((access,))

    @property
    def outputs(self) -> list[EdgeRecord]:
        """What was declared as its output."""
        return [edge for edge in self.declared if edge.direction == "output"]

    def missed(self, reason: str) -> None:
        """Count something that was seen and not understood."""
        self.misses[reason] += 1


class Pending:
    """Reads whose content is to be hashed when their attempt ends, by path.

    Whoever is about to destroy a file asks here first: if somebody has read it and still wants its
    digest, it is hashed before it is gone. So an input is right even when the run overwrites it.
    """

    def __init__(self) -> None:
        self._reads: dict[str, dict[int, Access]] = {}  # by place, then by id: thousands may read one file
        self.renew_lock()

    def renew_lock(self) -> None:
        """A new lock. In a forked child, whoever held the old one does not exist."""
        self._lock = RLock()  # a signal handler may come back to us while we hold it

    def expect(self, access: Access) -> None:
        """A read whose content will be wanted."""
        with self._lock:
            self._reads.setdefault(access.target, {})[id(access)] = access

    def settle(self, path: str, content: Callable[[str], Content | None]) -> None:
        """A file is about to change: compute its content, and that of directories around it, for who waits."""
        if not self._reads:
            return
        for place in (path, *map(str, PurePath(path).parents)):
            if place in self._reads:
                self._settle(place, content)

    def _settle(self, place: str, content: Callable[[str], Content | None]) -> None:
        with self._lock:
            waiting = list(self._reads.pop(place, {}).values())
        found = content(place) if waiting else None  # never hash while holding the lock
        now_there = fingerprint(place)
        for access in waiting:
            # what another process has changed since is not what was read: that stays to be found raced
            if access.known is None or access.known == now_there:
                access.before = access.before or found

    def move(self, access: Access, target: str) -> None:
        """The place of an access has another name from now on."""
        with self._lock:
            waiting = id(access) in self._reads.get(access.target, {})
            if waiting:
                self.forget((access,))
            access.target = target
            if waiting:
                self.expect(access)

    def forget(self, accesses: Iterable[Access]) -> None:
        """The attempt of these accesses is over."""
        with self._lock:
            for access in accesses:
                waiting = self._reads.get(access.target, {})
                if waiting.pop(id(access), None) is not None and not waiting:
                    del self._reads[access.target]


pending = Pending()
"""The one of this process: two attempts can meet at one file."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pending.renew_lock)
