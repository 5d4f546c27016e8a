"""One attempt of a run while it runs: what it did, in the order in which it did it.

Accesses arrive from any thread; appending to a list is atomic, so nothing is locked here. In a child process the
attempt is a copy that nobody will ask: there it tells each thing at once, through its spool.
"""

from __future__ import annotations

import os
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import partial
from itertools import count
from threading import RLock, get_ident
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec
from msgspec import Struct, field

from prefect_lineage.capture import spool
from prefect_lineage.capture.context import current
from prefect_lineage.capture.fingerprints import Fingerprint, fingerprint
from prefect_lineage.capture.guard import guarded
from prefect_lineage.model.records import Content, EdgeRecord, Record, RunRecord
from prefect_lineage.model.times import now

if TYPE_CHECKING:
    from prefect_lineage.capture.postponing import Large
    from prefect_lineage.settings import Settings

__all__ = ["Access", "Attempt", "Operation", "Pending", "claim_id", "late", "pending"]

FORK = "fork"
"""A fork is no way that needs to report: what is forked is the attempt itself, wherever it goes."""

Operation = Literal["read", "write", "append", "update", "open", "rename", "delete"]
"""``open`` is a file of which the end of the attempt will tell whether it was changed."""

_FOLDERS = 20
"""Folders of which it is said how much was left out there."""

claim_id: ContextVar[int] = ContextVar("prefect_lineage_claim", default=0)
"""The adapter's claim inside which this code runs; 0 is none."""

late: defaultdict[str, int] = defaultdict(int)
"""How many accesses of this process came after the end of their attempt, by job: nobody asks for them."""


def _new_claims() -> count[int]:
    # far from those of other processes: accesses of several may meet in one attempt
    return count(int.from_bytes(os.urandom(5), "big") << 16 | 1)


_claim_numbers = _new_claims()


def next_claim() -> int:
    """A number for a claim, unique among the processes of an attempt."""
    return next(_claim_numbers)


class Access(Struct, eq=False):
    """One thing done to one place.

    Attributes:
        target: an absolute path, or a URI.
        claim: the claim inside which it happened; 0 is none.
        own: the claim that *is* this access, when an adapter made it; 0 for a raw one.
        existed: whether the place existed before (writes only).
        before: the content before the access, where it had to be known at once.
        known: the fingerprint at the time of a read, to tell later whether it still is the same file.
        origin: where a renamed thing came from.
        inferred: nobody saw it: another program was given the name.
        version: how whoever keeps the data calls this content of it.
        members: it is of a directory, to which what happens below it in this attempt belongs.
        handle: the open file, for as long as somebody holds it.
        line: where it was told by a child process: the spool, and the key of the line.
        given: to which program; if that is seen inside, nothing need be inferred of it.
        changes: of ``open``: whether it was asked to change the place, or cannot have; None: not known.
        contested: of ``open``: others had the place open, too, when it was changed.
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
    members: bool = False
    handle: weakref.ref[Any] | None = None
    inferred: bool = False
    type: str | None = None
    version: str | None = None
    format: str | None = None
    rows: int | None = None
    schema: tuple[tuple[str, str], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    times: int = 1
    line: tuple[str, str] | None = None
    given: str = ""
    changes: bool | None = None
    contested: bool = False

    @property
    def writes(self) -> bool:
        return self.operation != "read"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without what is at its default and what has a meaning in one process only."""
        told = {name: value for name, usual in _TOLD.items() if (value := getattr(self, name)) != usual}
        before = msgspec.to_builtins(self.before)
        return told | {"at": self.at, "before": before, "metadata": dict(self.metadata)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Access:
        """The inverse of :meth:`to_dict`, also after a journey through JSON."""
        told = dict(data)
        told["schema"] = tuple((name, kind) for name, kind in told.get("schema", ()))
        told["known"] = Fingerprint(*told["known"]) if told.get("known") else None
        told["before"] = content_from(told["before"])
        return cls(**told)


_OTHERWISE = {"at", "before", "metadata", "handle", "line"}
_TOLD = {one.name: one.default for one in msgspec.structs.fields(Access) if one.name not in _OTHERWISE}


def content_from(data: Mapping[str, Any] | None) -> Content | None:
    """A content that was plain data meanwhile."""
    return None if data is None else msgspec.convert(data, Content)


class Attempt(Struct, eq=False):
    """What one attempt of one run has done so far.

    Attributes:
        run: the run's UUID.
        number: the attempt, from 1.
        root: the UUID of the outermost run that this one is nested in.
        above: the UUIDs of the runs that it is nested in, as far as they run in this process.
        accesses: raw and claimed accesses, in order.
        may_fail: what is declared in it counts only when it has completed (a task's attempt); what the body of
            a flow declares counts at once, for the tasks that it calls next may use it.
        remote: it was handed over from another process, and what it returns goes back there.
        declared: edges that the user declared or that values brought, complete already.
        names: what the user called the places of this attempt.
        nested: the claim around each call of which only its result told what it claims.
        opened: places that an adapter has claimed as open, and whether to change them; once is enough.
        storage: directories that belong to the runner's own result storage.
        dropped: accesses that were beyond the limit.
        left_out: how many of them lay where, by folder; "" stands for further folders.
        misses: what could not be understood, counted by reason.
        closed: it has ended; what threads of it still do is only counted, in :data:`late`.
        settings: what holds in the process of the run; a child process takes them over.
        spool: where child processes tell what they do; "" until there may be some.
        ways: how often it has given work to child processes, by the way it did.
        reported: the ways by which this child process was reached, as far as it has said so.
        pid: the process whose list of accesses counts; in all others they are told through the spool.
        large: what is left to be hashed when it has ended.
        shared: how many accesses a forked process has at the places where the process of the run has them.
        thread: the thread that it began in.
        began_ns: when it began, in nanoseconds since the epoch.
        farewells: how many files were hashed because they were about to be deleted.
        programs: the other programs that it ran, with their arguments.
    """

    running: ClassVar[int] = 0
    """How many attempts have begun in this process and not ended."""

    here: ClassVar[int] = os.getpid()
    """This process, which is not asked for every access: a forked child puts it right."""

    run: str
    number: int = 1
    job: str = ""
    root: str = ""
    above: tuple[str, ...] = ()
    may_fail: bool = False
    remote: bool = False
    limit: int = 10_000
    accesses: list[Access] = field(default_factory=list)
    declared: list[EdgeRecord] = field(default_factory=list)
    names: dict[str, EdgeRecord] = field(default_factory=dict)
    nested: dict[int, int] = field(default_factory=dict)
    opened: set[tuple[str, bool | None]] = field(default_factory=set)
    storage: tuple[str, ...] = ()
    dropped: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    misses: defaultdict[str, int] = field(default_factory=partial(defaultdict, int))
    closed: bool = False
    settings: Settings | None = None
    spool: str = ""
    ways: defaultdict[str, int] = field(default_factory=partial(defaultdict, int))
    reported: set[str] = field(default_factory=set)
    pid: int = field(default_factory=os.getpid)
    shared: int | None = None
    thread: int = field(default_factory=get_ident)
    began_ns: int = field(default_factory=time.time_ns)
    farewells: int = 0
    programs: list[dict[str, Any]] = field(default_factory=list)
    large: Large | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets what it needs to do this attempt's work: a carrier."""
        from prefect_lineage.capture.children import carrier_of  # that module needs this one

        return carrier_of(self)

    @property
    def is_away(self) -> bool:
        """Whether this is a child process, where nobody will ask the attempt what it did."""
        return self.pid != Attempt.here

    @property
    def did_nothing(self) -> bool:
        """Whether there is nothing to tell of it but that it was."""
        quiet = not (
            self.accesses or self.declared or self.dropped or self.misses or self.ways or self.programs
        )
        return quiet and self.run != self.root  # with the outermost run, what concerns the process is told

    def add(self, access: Access) -> None:
        """Keep an access, or count it when there are too many or the attempt has ended."""
        if self.closed:
            late[self.job] += 1
            pending.forget((access,))
        elif len(self.accesses) < self.limit * 4:
            self.accesses.append(access)
            if self.pid != Attempt.here:
                key = self.tell("access", access.to_dict())
                access.line = (self.spool, key) if key is not None else None
        else:
            self._drop(access)

    def leave_out(self, target: str) -> None:
        """Count something that is not recorded because there is too much."""
        self.dropped += 1
        folder = target.rpartition("/")[0] or target
        if folder not in self.left_out and len(self.left_out) >= _FOLDERS:
            folder = ""
        self.left_out[folder] = self.left_out.get(folder, 0) + 1

    def _drop(self, access: Access) -> None:
        self.leave_out(access.target)
        pending.forget((access,))
        if self.is_away and self.dropped & (self.dropped - 1) == 0:  # a line for each would be as many again
            self.tell("dropped", self.dropped)

    @guarded
    def tell(self, kind: str, said: Any) -> str | None:
        """In a child process: say something to the process of the run, unless the attempt has ended there."""
        key = spool.tell(self.spool, kind, said) if self.spool else None
        if key is None:
            self.closed = True
            late[self.job] += 1
        return key

    def declare(self, edge: EdgeRecord) -> None:
        """Keep an edge that the user declared or that values brought."""
        self.declared.append(edge)
        if self.is_away:
            self.tell("declared", Record(RunRecord(self.run), self.number, (edge,)).to_dict())

    def hands_over(self, way: str) -> None:
        """Child processes may be about to work for it."""
        first = way not in self.ways
        self.ways[way] += 1
        if self.is_away:
            if first and not self.closed:
                self.tell("way", way)
        elif not self.spool and not self.closed and self.settings is not None:
            self.spool = spool.make(self.settings.journal_dir, self.run, self.number)

    @property
    def outputs(self) -> list[EdgeRecord]:
        """What was declared as its output."""
        return [edge for edge in self.declared if edge.direction == "output"]

    def missed(self, reason: str) -> None:
        """Count something that was seen and not understood."""
        self.misses[reason] += 1
        if self.is_away and not self.closed:
            self.tell("miss", reason)


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
        place = path
        while place:
            if place in self._reads:
                self._settle(place, content)
            place = place.rpartition("/")[0]  # no Path object in a hot path; nobody reads the root

    def _settle(self, place: str, content: Callable[[str], Content | None]) -> None:
        with self._lock:
            waiting = list(self._reads.pop(place, {}).values())
        found = content(place) if waiting else None  # never hash while holding the lock
        now_there = fingerprint(place)
        for access in waiting:
            # what another process has changed since is not what was read: that stays to be found raced
            if (access.known is None or access.known == now_there) and access.before is None:
                access.before = found
                _retell(access)

    def move(self, access: Access, target: str) -> None:
        """The place of an access has another name from now on."""
        with self._lock:
            waiting = id(access) in self._reads.get(access.target, {})
            if waiting:
                self.forget((access,))
            access.target = target
            if waiting:
                self.expect(access)
        _retell(access)

    def keep(self, accesses: Iterable[Access]) -> None:
        """Forget all but these: the others are for another process to settle."""
        waiting = {id(access) for found in self._reads.values() for access in found.values()}
        self._reads = {}
        for access in accesses if waiting else ():
            if id(access) in waiting:
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

_forked: Attempt | None = None
"""The attempt during which this process was forked."""


def _retell(access: Access) -> None:
    """In a child process: say what is known of an access now that could not be said before."""
    now_known = {"at": now(), "target": access.target, "before": msgspec.to_builtins(access.before)}
    if access.line is not None:
        folder, key = access.line
        spool.tell(folder, "amended", {"line": key, **now_known})
    elif _forked is not None and _forked.is_away:
        # told by nobody, for the parent itself has it
        for place, shared in enumerate(_forked.accesses[: _forked.shared]):
            if shared is access:
                _forked.tell("amended", {"place": place, **now_known})


def _before_fork() -> None:
    attempt = current.get()
    if attempt is not None:
        attempt.hands_over(FORK)


def _after_fork() -> None:
    global _forked, _claim_numbers
    Attempt.here = os.getpid()
    _forked, _claim_numbers = current.get(), _new_claims()
    pending.renew_lock()
    if _forked is not None and _forked.shared is None:
        _forked.shared = len(_forked.accesses)
    pending.keep(_forked.accesses if _forked is not None else ())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
