"""Edges that name their version by a token: what the token means, whichever record comes first.

A token is registered with a time by the edges that write a version. A referral means the version registered last
at or before its own time; ``run:`` tokens are registered once and mean the same at any time. A referral may give
its version further tokens, so one may lead to another; what it gives is known to those after it only, so that no
loop of them supports itself. Which registration a referral follows depends on tokens and times alone. Hence the
order in which records come is of no matter, as long as those that follow are looked at again: see :meth:`spread`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from prefect_lineage.store.bulk import (
    execute_in,
    execute_pairs,
    insert_all,
    pairs_table,
    select_in,
    upsert,
    within,
)
from prefect_lineage.store.edging import EdgeRow, EdgeRows, Key
from prefect_lineage.store.schema import edges, referrals, tokens

__all__ = ["Meaning", "Referral", "Referring"]

Meaning = tuple[str, int, int]
"""Token, time, and what it means from then on: a row of ``tokens``."""

_LASTING = "run:"
_ANY_TIME = 2**62  # after everything that has a time
_COLUMNS = (
    "token",
    "at",
    "run_id",
    "direction",
    "attempt",
    "how",
    "via_id",
    "times",
    "flags",
    "gives",
    "version_id",
)

_OF_RUNS = (
    sa.select(referrals)
    .where(within(referrals.c.run_id), referrals.c.version_id.is_not(None))
    .order_by(referrals.c.at, referrals.c.id)
)
_WAITING = sa.select(referrals.c.id).where(within(referrals.c.id), referrals.c.version_id.is_(None))
_DELETE_EDGES = edges.delete().where(within(edges.c.run_id), edges.c.attempt < 0)
_DELETE_REFERRALS = referrals.delete().where(within(referrals.c.id))
_DELETE_TOKENS = tokens.delete().where(
    *(tokens.c[column] == sa.bindparam(f"old_{column}") for column in ("token", "at", "means"))
)
_MOVE = (
    referrals.update()
    .where(referrals.c.id == sa.bindparam("row_id"))
    .values(version_id=sa.bindparam("new_version"), fallback_id=sa.bindparam("new_fallback"))
)


class Referral(Struct, eq=False):
    """An edge to the version that a token means; ``id`` is None unless it is a row of ``referrals``."""

    token: str
    run_id: int
    direction: int
    attempt: int
    row: EdgeRow
    gives: tuple[str, ...] = ()
    version_id: int | None = None
    fallback_id: int | None = None
    id: int | None = None

    @property
    def at(self) -> int:
        return self.row.at

    @property
    def asked(self) -> tuple[str, int]:
        """The token, and the last time of which it is asked."""
        return self.token, _ANY_TIME if self.token.startswith(_LASTING) else self.at

    @property
    def unique(self) -> tuple[str, int, int, int, int]:
        return self.token, self.at, self.run_id, self.direction, self.attempt

    def given(self, means: int) -> list[Meaning]:
        """The tokens that it gives, with a meaning."""
        return [(token, self.at, means) for token in self.gives]


class Referring:
    """One batch's tokens and referrals; needs the write lock.

    Attributes:
        settled: edges whose version cannot change any more, to be saved by the caller. The others are saved here.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._news: dict[str, int] = {}  # tokens that may mean something new, and from when on
        self._touched: set[int] = set()  # runs whose rows by referral are to be made anew
        self.settled: list[tuple[Key, EdgeRow]] = []

    def settle(self, named: Iterable[Meaning], new: Iterable[Referral]) -> None:
        """Register tokens, and find what referrals mean, the new ones and those that waited."""
        self.register(named)
        self.take(_merged(new))
        self.spread()
        self.rewrite()

    def waiting(self, new: Iterable[Referral]) -> list[Referral]:
        """Those whose token means nothing so far."""
        by_id = {referral.id: referral for referral in new if referral.id is not None}
        return [by_id[row.id] for row in select_in(self._connection, _WAITING, sorted(by_id))]

    def fall_back(self, versions: Mapping[Referral, int]) -> None:
        """Say what referrals are while their token means nothing."""
        for referral, version_id in versions.items():
            referral.version_id = referral.fallback_id = version_id
        self._move(list(versions))
        self.spread()
        self.rewrite()

    def register(self, meanings: Iterable[Meaning]) -> None:
        """Save what tokens mean; whoever follows them is looked at by :meth:`spread`."""
        rows = sorted(set(meanings))
        if rows:
            values = [{"token": token, "at": at, "means": means} for token, at, means in rows]
            self._connection.execute(_insert_tokens(self._dialect), values)
        for token, at, _ in rows:
            self._news[token] = min(at, self._news.get(token, at))

    def take(self, new: Sequence[Referral]) -> None:
        """Save new referrals, but for those that are settled at once."""
        if not new:
            return
        settled, _ = self._judged(new)
        self._close(settled)
        done = set(settled)
        self._insert([referral for referral in new if referral not in done])

    def spread(self) -> None:
        """Look again at the referrals that follow a token with news, then at those that follow these."""
        seen: set[int | None] = set()
        rounds = 0
        # Each round leads one step along a way without loops; whoever takes more steps than there are
        # referrals goes round in a loop that somebody made up.
        while self._news and rounds <= len(seen):
            followers = self._followers(self._news)
            self._news = {}
            seen.update(referral.id for referral in followers)
            rounds += 1
            before = {referral: referral.version_id for referral in followers}
            settled, moved = self._judged(followers)
            self._touched.update(referral.run_id for referral in settled if before[referral] is not None)
            self._close(settled)
            self._move(moved)

    def rewrite(self) -> None:
        """Make the rows in ``edges`` that the touched runs have by referrals anew."""
        runs = sorted(self._touched)
        execute_in(self._connection, _DELETE_EDGES, runs)
        rows = EdgeRows()
        for found in select_in(self._connection, _OF_RUNS, runs):
            rows.add((found.run_id, found.direction, found.version_id, -found.attempt), _edge_row(found))
        rows.save(self._connection)
        self._touched.clear()

    def _judged(self, found: Sequence[Referral]) -> tuple[list[Referral], list[Referral]]:
        """Those that are settled for good, and those that have come to mean another version, or none."""
        means = self._meanings({referral.asked for referral in found})
        settled: list[Referral] = []
        moved: list[Referral] = []
        for referral in found:
            source, found_id = means.get(referral.asked, (0, None))
            version_id = found_id or referral.fallback_id
            lasts = source > 0 and referral.token.startswith(_LASTING)
            if lasts or version_id != referral.version_id:
                (settled if lasts else moved).append(referral)
                referral.version_id = version_id
        return settled, moved

    def _meanings(self, asked: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int | None]]:
        """The registration that holds for each (token, time): what it means, and the version that this is."""
        found: dict[tuple[str, int], tuple[int, int | None]] = {}
        for row in execute_pairs(self._connection, _meaning_at(self._dialect), asked):
            key, version_id = (row.asked_token, row.asked_at), row.means if row.means > 0 else row.version_id
            # Of several at one time the highest: a version goes before a referral.
            found[key] = max(found.get(key, (row.means, version_id)), (row.means, version_id), key=_source)
        return found

    def _followers(self, news: dict[str, int]) -> list[Referral]:
        starts = ((token, 0 if token.startswith(_LASTING) else at) for token, at in news.items())
        rows = execute_pairs(self._connection, _following(self._dialect), starts)
        return [_referral(row) for row in rows]

    def _close(self, settled: Sequence[Referral]) -> None:
        """What is settled for good is an edge as any other, and what it gives means a version as any other."""
        stored = [referral for referral in settled if referral.id is not None]
        execute_in(self._connection, _DELETE_REFERRALS, (referral.id for referral in stored))
        relays = [meaning for referral in stored for meaning in referral.given(-(referral.id or 0))]
        if relays:
            self._connection.execute(
                _DELETE_TOKENS,
                [{"old_token": token, "old_at": at, "old_means": means} for token, at, means in relays],
            )
        for referral in settled:
            version_id = referral.version_id or 0
            key = (referral.run_id, referral.direction, version_id, referral.attempt)
            self.settled.append((key, referral.row))
        self.register(meaning for referral in settled for meaning in referral.given(referral.version_id or 0))

    def _move(self, moved: Sequence[Referral]) -> None:
        if not moved:
            return
        values = [
            {
                "row_id": referral.id,
                "new_version": referral.version_id,
                "new_fallback": referral.fallback_id,
            }
            for referral in moved
        ]
        self._connection.execute(_MOVE, values)
        for referral in moved:
            self._touched.add(referral.run_id)
            for token in referral.gives:
                self._news[token] = min(referral.at, self._news.get(token, referral.at))

    def _insert(self, new: Sequence[Referral]) -> None:
        if not new:
            return
        ids = insert_all(self._connection, referrals, _COLUMNS, [_values(referral) for referral in new])
        for referral, row_id in zip(new, ids, strict=True):
            referral.id = row_id
        self._touched.update(referral.run_id for referral in new if referral.version_id is not None)
        self.register(meaning for referral in new for meaning in referral.given(-(referral.id or 0)))


def _merged(found: Iterable[Referral]) -> list[Referral]:
    """One referral for each token, time and attempt of a run."""
    merged: dict[tuple[str, int, int, int, int], Referral] = {}
    for referral in found:
        known = merged.setdefault(referral.unique, referral)
        if known is not referral:
            known.row = known.row.joined(referral.row)
            known.gives = tuple(dict.fromkeys((*known.gives, *referral.gives)))
    return list(merged.values())


def _source(meaning: tuple[int, int | None]) -> int:
    return meaning[0]


def _edge_row(row: Row[*tuple[Any, ...]]) -> EdgeRow:
    return EdgeRow(row.how, row.via_id, row.times, row.at, row.flags)


def _referral(row: Row[*tuple[Any, ...]]) -> Referral:
    gives = tuple(row.gives or ())
    return Referral(
        row.token,
        row.run_id,
        row.direction,
        row.attempt,
        _edge_row(row),
        gives,
        row.version_id,
        row.fallback_id,
        row.id,
    )


def _values(referral: Referral) -> tuple[Any, ...]:
    row = referral.row
    gives = list(referral.gives) or None
    return (*referral.unique, row.how, row.via_id, row.times, row.flags, gives, referral.version_id)


@cache
def _insert_tokens(dialect: str) -> Any:
    return upsert(dialect, tokens).on_conflict_do_nothing(index_elements=list(tokens.primary_key.columns))


@cache
def _meaning_at(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    """What tokens were last registered for at the times asked of; what a referral gives counts later only."""
    pair, token, at = pairs_table(dialect, tokens.c.token, tokens.c.at)
    older = tokens.alias("older")
    newest = (
        sa.select(older.c.at)
        .where(older.c.token == token, older.c.at <= at, sa.or_(older.c.at < at, older.c.means > 0))
        .order_by(older.c.at.desc())
        .limit(1)
        .correlate(pair)
        .scalar_subquery()
    )
    counts = sa.and_(
        tokens.c.token == token, tokens.c.at == newest, sa.or_(tokens.c.at < at, tokens.c.means > 0)
    )
    columns = (token.label("asked_token"), at.label("asked_at"), tokens.c.means, referrals.c.version_id)
    joined = pair.join(tokens, counts).outerjoin(referrals, referrals.c.id == -tokens.c.means)
    return sa.select(*columns).select_from(joined)


@cache
def _following(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    """The referrals to a token from a time on."""
    pair, token, at = pairs_table(dialect, referrals.c.token, referrals.c.at)
    return sa.select(referrals).join(pair, sa.and_(referrals.c.token == token, referrals.c.at >= at))
