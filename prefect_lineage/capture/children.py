"""What a run does in child processes is its own: carried there, told from there, and put together at its end."""

from __future__ import annotations

import heapq
import json
import os
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect_lineage.capture import spool
from prefect_lineage.capture.attempt import FORK, Access, Attempt, claim_id, content_from, pending
from prefect_lineage.capture.context import current
from prefect_lineage.capture.guard import guarded
from prefect_lineage.capture.programs import forget_seen
from prefect_lineage.model.records import Record

if TYPE_CHECKING:
    from prefect_lineage.settings import Settings

__all__ = ["Carrier", "carried", "carrier_of", "gather"]

_REMEMBERED = 4
"""How many attempts a child process remembers that it has worked for; a pool's workers may see thousands."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """An attempt on its way to a child process: plain data, for it is pickled.

    Attributes:
        spool: where to tell what was done; "" if the attempt was over before it was sent.
        everything: every Prefect run in the child is to be captured too, not only tracked ones.
        settings: those of the process of the run, as JSON.
    """

    run: str
    number: int
    job: str
    root: str
    may_fail: bool
    limit: int
    storage: tuple[str, ...]
    spool: str
    everything: bool
    settings: str

    @guarded
    def attempt(self) -> Attempt:
        """The attempt in this process, where capture is switched on if it is not yet."""
        from prefect_lineage.capture import switch  # heavy, and not wanted where a carrier is only passed on
        from prefect_lineage.settings import Settings, load

        found = _worked_for.get(self)
        if found is None:
            said = json.loads(self.settings)
            if "url" not in said:  # a password was in it
                said["url"] = load().url
            settings = Settings(**said)
            switch.enable_in_child(settings, everything=self.everything)
            found = _worked_for[self] = self._arrived(settings)
            if len(_worked_for) > _REMEMBERED:
                pending.forget(_worked_for.popitem(last=False)[1].accesses)
        return found

    def _arrived(self, settings: Settings) -> Attempt:
        return Attempt(
            self.run,
            self.number,
            self.job,
            self.root,
            may_fail=self.may_fail,
            limit=self.limit,
            storage=self.storage,
            closed=not self.spool,
            settings=settings,
            spool=self.spool,
            pid=0,
        )


_worked_for: OrderedDict[Carrier, Attempt] = OrderedDict()


def carrier_of(attempt: Attempt) -> tuple[type[Carrier], tuple[Any, ...]]:
    """What an attempt pickles as."""
    from prefect_lineage.capture import switch  # that module needs this one

    settings = attempt.settings
    return Carrier, (
        attempt.run,
        attempt.number,
        attempt.job,
        attempt.root,
        attempt.may_fail,
        attempt.limit,
        attempt.storage,
        "" if settings is None else attempt.spool,
        switch.captures_everything(),
        "{}" if settings is None else settings.model_dump_json(exclude={"warnings"}),
    )


def carried(
    whose: Attempt | Carrier, way: str, claim: int, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Any:
    """Call ``fn`` as a part of an attempt, in whatever process this is.

    Args:
        way: how the work came to another process; "" for threads.
        claim: the adapter's claim inside which the work was given.
    """
    attempt = whose if isinstance(whose, Attempt) else whose.attempt()
    if attempt is None:
        return fn(*args, **kwargs)
    if way:
        _report(attempt, way)
    token, claimed = current.set(attempt), claim_id.set(claim)
    try:
        return fn(*args, **kwargs)
    finally:
        claim_id.reset(claimed)
        current.reset(token)


def _report(attempt: Attempt, way: str) -> None:
    """Say once that a child process has begun to work for the attempt, so that it is known to be seen."""
    if attempt.is_away and not attempt.closed and way not in attempt.reported:
        attempt.reported.add(way)
        attempt.tell("hello", way)


# -- in the process of the run --------------------------------------------------------------------


@guarded
def gather(attempt: Attempt) -> None:
    """Take what child processes have told into the attempt, which has ended; the spool is removed."""
    if not attempt.ways:
        return
    processes = spool.take(attempt.spool) if attempt.spool else []
    seen = {FORK} if attempt.spool else set()
    told: dict[str, Access] = {}
    for lines in processes:
        seen.update(_accounted(attempt, lines))
        found = dict(_accesses(lines))
        _mark_open(found)
        told.update(found)
    _amend(attempt, told, chain.from_iterable(processes))
    _merge(attempt, [[told[line["key"]] for line in lines if line["key"] in told] for lines in processes])
    forget_seen(attempt, seen)
    for way, times in attempt.ways.items():
        if way not in seen:
            attempt.misses[f"not seen inside: {way.partition('#')[0]}"] += times


def _accounted(attempt: Attempt, lines: list[dict[str, Any]]) -> Iterator[str]:
    """Account for all that is no access; gives the ways by which this child process got its work."""
    dropped = 0
    for line in lines:
        if "hello" in line:
            yield line["hello"]
        elif "way" in line:
            attempt.ways[line["way"]] += 1
        elif "miss" in line:
            attempt.misses[line["miss"]] += 1
        elif "dropped" in line:
            dropped = max(dropped, line["dropped"])
        elif "declared" in line:
            _declare(attempt, line["declared"])
    attempt.dropped += dropped


def _declare(attempt: Attempt, record: dict[str, Any]) -> None:
    (edge,) = Record.from_dict(record).edges
    attempt.declared.append(edge)
    if edge.direction == "output":
        attempt.names[edge.location.uri] = edge


def _accesses(lines: list[dict[str, Any]]) -> Iterator[tuple[str, Access]]:
    for line in lines:
        if "access" in line:
            yield line["key"], Access.from_dict(line["access"])


class _Open:
    """A file that another process has open."""

    closed = False


_OPEN = _Open()


def _mark_open(told: dict[str, Access]) -> None:
    """A file that its child has still open at the end of the attempt may get more: it is not what it will be."""
    writes = [access for access in told.values() if access.writes]
    if not writes:
        return
    descriptors = Path("/proc", next(iter(told)).partition("-")[0], "fd")
    try:
        opened = {str(link.readlink()) for link in descriptors.iterdir()}
    except OSError:
        return  # the child is gone, or this system does not tell
    for access in writes:
        if os.path.realpath(access.target) in opened:
            access.handle = weakref.ref(_OPEN)


def _amend(attempt: Attempt, told: dict[str, Access], lines: Iterator[dict[str, Any]]) -> None:
    """Put right what was learnt after it was told, be it by another process than that which told it."""
    later = sorted((line["amended"] for line in lines if "amended" in line), key=lambda said: said["at"])
    for said in later:
        access = told.get(said["line"]) if "line" in said else attempt.accesses[said["place"]]
        if access is not None:
            access.before = access.before or content_from(said["before"])
            if access.target != said["target"]:
                pending.move(access, said["target"])


def _merge(attempt: Attempt, told: list[list[Access]]) -> None:
    """All accesses in the order of their times, and those of each process in the order that it gave them."""
    if any(told):
        streams = [_timed(number, found) for number, found in enumerate([attempt.accesses, *told])]
        attempt.accesses = [access for *_, access in heapq.merge(*streams)]
        beyond = attempt.accesses[attempt.limit * 4 :]
        del attempt.accesses[attempt.limit * 4 :]
        attempt.dropped += len(beyond)
        pending.forget(beyond)


def _timed(stream: int, accesses: list[Access]) -> Iterator[tuple[int, int, int, Access]]:
    # the time of an access is that of its beginning, and it takes its place at its end
    latest = 0
    for place, access in enumerate(accesses):
        latest = max(latest, access.at)
        yield latest, stream, place, access
