"""Lines of a journal into a store, exactly once, and past a line that nobody can read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prefect_lineage.errors import StoreError
from prefect_lineage.store.journal import Batch, journal_id, read_lines, warn_once
from prefect_lineage.store.lines import NewerLine, decode, is_no_record, settled_by

if TYPE_CHECKING:
    from prefect_lineage.model.records import Record
    from prefect_lineage.store.store import Store

__all__ = ["Loaded", "apply_once", "load", "load_batch"]

BATCH_BYTES = 1 << 20
BATCH_RECORDS = 500

_HELD_S = 0.25
"""How long others should be kept waiting: when a transaction takes longer, the next ones are smaller."""

Lines = Sequence[tuple[int, bytes]]


@dataclass(slots=True)
class Loaded:
    """What became of a journal.

    Attributes:
        position: the byte up to which the store has it.
        records: applied.
        rejected: lines that hold no record, or one that the store refuses; kept in ``<journal>.rejected``.
        rest: bytes at the end that are no whole line.
        is_newer: the line at ``position`` is for a newer release; loading stopped there.
        batch: how many records go into one transaction, as fast as this store is; 0: not known yet.
    """

    position: int
    records: int = 0
    rejected: int = 0
    rest: int = 0
    is_newer: bool = False
    batch: int = 0


class _Elsewhere(Exception):
    """The store has another position in the journal than we thought: somebody else loads a copy of it."""


def load(store: Store, path: Path, loaded: Loaded) -> bool:
    """Apply the next batch of a journal's lines, and say whether there was one.

    Raises:
        StoreError: the store cannot be used now; ``loaded.position`` says how far it came.
        OSError: the file cannot be read.
    """
    batch = read_lines(path, loaded.position, BATCH_BYTES)
    return load_batch(store, journal_id(path), batch, loaded, path.with_suffix(".rejected"))


def load_batch(store: Store, journal: str, batch: Batch, loaded: Loaded, aside: Path) -> bool:
    """Apply lines that begin at ``loaded.position`` of a journal, and say whether there were any.

    Args:
        aside: the file for lines that nobody can read.

    Raises:
        StoreError: see :func:`load`.
    """
    loaded.rest = batch.rest
    target = _Target(store, journal, aside)
    for lines, key in _groups(batch.lines, loaded):
        if loaded.is_newer:
            break
        try:
            _apply(target, lines, loaded, key)
        except _Elsewhere:
            loaded.position = store.position(journal)
            return True
        _adapt(loaded, store.held_s)
    return bool(batch.lines) and not loaded.is_newer


def _adapt(loaded: Loaded, held_s: float) -> None:
    """Choose the size of the next batch by how long the last one held the store's lock."""
    size = loaded.batch or BATCH_RECORDS
    if held_s > _HELD_S:
        loaded.batch = max(size // 2, 1)
    elif held_s < _HELD_S / 4:
        loaded.batch = min(size * 2, BATCH_RECORDS)


def _groups(lines: Lines, loaded: Loaded) -> Iterator[tuple[Lines, str | None]]:
    """Lines that are applied together; one that settles a postponed record comes alone, with its key."""
    group: list[tuple[int, bytes]] = []
    for position, line in lines:
        key = settled_by(line)
        if group and (key is not None or len(group) >= (loaded.batch or BATCH_RECORDS)):
            yield group, None
            group = []
        if key is not None:
            yield [(position, line)], key
        else:
            group.append((position, line))
    if group:
        yield group, None


@dataclass(frozen=True, slots=True)
class _Target:
    """Where lines go."""

    store: Store
    journal: str
    aside: Path

    def apply(self, records: Sequence[Record], loaded: Loaded, end: int, key: str | None = None) -> None:
        if key is not None:
            apply_once(self.store, records, key)
            records = []
        if not self.store.apply(records, journal=self.journal, start=loaded.position, position=end):
            raise _Elsewhere


def apply_once(store: Store, records: Sequence[Record], key: str) -> bool:
    """Apply what was postponed under a key, unless that was done, whichever journal or process it came from.

    Returns:
        Whether it was applied now.
    """
    return store.position(key) == 0 and store.apply(records, journal=key, start=0, position=1)


def _apply(target: _Target, lines: Lines, loaded: Loaded, key: str | None = None) -> None:
    records: list[Record] = []
    broken: list[bytes] = []
    end = loaded.position
    for position, line in lines:
        try:
            if not is_no_record(line):
                records.append(decode(line))
        except NewerLine:
            loaded.is_newer = True
            break
        except ValueError:
            broken.append(line)
        end = position
    if end == loaded.position:
        return
    try:
        target.apply(records, loaded, end, key)
    except Exception as error:  # one record must not block the rest, whatever it breaks
        if not _is_refusal(error):
            raise
        if len(lines) > 1:
            loaded.is_newer = False  # found again, line by line
            for single in lines:
                if not loaded.is_newer:
                    _apply(target, [single], loaded)
            return
        broken.append(lines[0][1])
        warn_once("rejected", f"A record of a run's lineage cannot be stored: {error}")
        target.apply([], loaded, end)
        records = []
    loaded.rejected += len(broken)
    loaded.records += len(records)
    loaded.position = end
    _set_aside(target.aside, broken)


def _is_refusal(error: Exception) -> bool:
    # Imported here, where a store is open, so that SQLAlchemy is loaded already.
    from prefect_lineage.store.engine import RecordRefused

    if isinstance(error, _Elsewhere):
        return False
    return isinstance(error, RecordRefused) or not isinstance(error, StoreError)


def _set_aside(path: Path, lines: Sequence[bytes]) -> None:
    if not lines:
        return
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    try:
        descriptor = os.open(path, flags, 0o600)  # private, as the journal is
        with os.fdopen(descriptor, "ab") as stream:
            stream.writelines(lines)
    except OSError as error:  # nothing of ours could read them anyhow
        warn_once("aside", f"Broken lines of a journal cannot be kept in {path}: {error.strerror or error}.")
