"""Whose change was it? What several attempts of one process have open at once: mostly a database.

A database's file tells that it is another one now, not by whose connection. So it is looked at whenever an attempt
opens it or ends: who changed it in between is one of those that had it open then.
"""

from __future__ import annotations

import os
from threading import RLock
from typing import Literal

from msgspec import Struct, field

from prefect_lineage.capture.attempt import Access, Attempt
from prefect_lineage.capture.fingerprints import Fingerprint, fingerprint
from prefect_lineage.capture.guard import guarded

__all__ = ["SharedOpens", "logs_of", "shared_opens"]

Share = Literal["none", "maybe", "sure"]
"""What an attempt has to do with the changes of a place."""


class _Span(Struct, eq=False):
    """An attempt has a place open.

    Attributes:
        tells: it was seen to ask for a change.
    """

    attempt: Attempt
    tells: bool = False
    share: Share = "none"


class _Place(Struct, eq=False):
    state: tuple[Fingerprint | None, ...]
    spans: dict[int, _Span] = field(default_factory=dict)


class SharedOpens:
    """The places that attempts of this process have open, from the first opening to the end of each attempt."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self.renew_lock()

    def renew_lock(self) -> None:
        """A new lock. In a forked child, whoever held the old one does not exist."""
        self._lock = RLock()

    @guarded
    def begin(self, attempt: Attempt, access: Access) -> None:
        """An attempt has opened a place, and may change it from now on."""
        target = os.path.realpath(access.target)
        with self._lock:  # which orders the looks, too
            if attempt.closed:
                return  # a thread that it has left behind: nobody would end this
            state = _state(target)
            place = self._places.setdefault(target, _Place(state))
            _attribute(place, state)
            span = place.spans.setdefault(id(attempt), _Span(attempt))
            span.tells = span.tells or access.changes is True

    @guarded
    def end(self, attempt: Attempt) -> None:
        """An attempt has ended: note with its accesses which of the changes are its own."""
        shares: dict[str, Share] = {}
        with self._lock:
            held = {target: place for target, place in self._places.items() if id(attempt) in place.spans}
            for target, place in held.items():
                _attribute(place, _state(target))
                shares[target] = place.spans.pop(id(attempt)).share
                if not place.spans:
                    del self._places[target]
        for access in attempt.accesses if shares else ():
            if access.operation == "open" and not access.inferred and access.changes is not False:
                share = shares.get(os.path.realpath(access.target))
                if share == "none":
                    access.changes = False
                elif share == "maybe":
                    access.contested = True


def _attribute(place: _Place, state: tuple[Fingerprint | None, ...]) -> None:
    """What is another file since it was looked at last was changed by one of those that have it open.

    Not by who mostly waits for another of them (a flow for its tasks). For certain by who was seen to ask for a change,
    or where nobody else can have done it.
    """
    if state == place.state:
        return
    place.state = state
    spans = place.spans.values()
    above = {run for span in spans for run in span.attempt.above}
    suspects = [span for span in spans if span.attempt.run not in above]
    for span in suspects:
        if span.tells or (len(suspects) == 1 and not any(_goes_on(other, span) for other in spans)):
            span.share = "sure"
        elif span.share == "none":
            span.share = "maybe"


def _goes_on(outer: _Span, inner: _Span) -> bool:
    """Whether one has called the other and need not wait for it: it has another thread."""
    mine, called = outer.attempt, inner.attempt
    return mine.run in called.above and mine.thread != called.thread


def _state(target: str) -> tuple[Fingerprint | None, ...]:
    return (fingerprint(target), *map(fingerprint, logs_of(target)))


def logs_of(target: str) -> tuple[str, str]:
    """Where SQLite and DuckDB write first."""
    return f"{target}-wal", f"{target}.wal"


shared_opens = SharedOpens()
"""The one of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=shared_opens.renew_lock)
