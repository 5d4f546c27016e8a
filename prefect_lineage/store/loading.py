"""Lines of a journal into a store, exactly once, and past a line that nobody can read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prefect_lineage.errors import StoreError
from prefect_lineage.store.journal import read_lines, warn_once
from prefect_lineage.store.lines import NewerLine, decode

if TYPE_CHECKING:
    from prefect_lineage.model.records import Record
    from prefect_lineage.store.store import Store

__all__ = ["Loaded", "load"]

BATCH_BYTES = 1 << 20
BATCH_RECORDS = 500

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
    """

    position: int
    records: int = 0
    rejected: int = 0
    rest: int = 0
    is_newer: bool = False


def load(store: Store, path: Path, loaded: Loaded) -> bool:
    """Apply the next batch of a journal's lines, and say whether there was one.

    Raises:
        StoreError: the store cannot be used now; ``loaded.position`` says how far it came.
        OSError: the file cannot be read.
    """
    batch = read_lines(path, loaded.position, BATCH_BYTES)
    loaded.rest = batch.rest
    for start in range(0, len(batch.lines), BATCH_RECORDS):
        if loaded.is_newer:
            break
        _apply(store, path, batch.lines[start : start + BATCH_RECORDS], loaded)
    return bool(batch.lines) and not loaded.is_newer


def _apply(store: Store, path: Path, lines: Lines, loaded: Loaded) -> None:
    # Imported here, where a store is open, so that SQLAlchemy is loaded already.
    from prefect_lineage.store.engine import RecordRefused

    def is_refusal(error: Exception) -> bool:
        return isinstance(error, RecordRefused) or not isinstance(error, StoreError)

    records: list[Record] = []
    broken: list[bytes] = []
    end = loaded.position
    for position, line in lines:
        try:
            records.append(decode(line))
        except NewerLine:
            loaded.is_newer = True
            break
        except ValueError:
            broken.append(line)
        end = position
    if not records and not broken:
        return
    try:
        store.apply(records, journal=path.stem, position=end)
    except Exception as error:  # one record must not block the rest, whatever it breaks
        if not is_refusal(error):
            raise
        if len(lines) > 1:
            loaded.is_newer = False  # found again, line by line
            for single in lines:
                if not loaded.is_newer:
                    _apply(store, path, [single], loaded)
            return
        broken.append(lines[0][1])
        warn_once("rejected", f"A record of a run's lineage cannot be stored: {error}")
        store.apply([], journal=path.stem, position=end)
        records = []
    _set_aside(path, broken)
    loaded.rejected += len(broken)
    loaded.records += len(records)
    loaded.position = end


def _set_aside(path: Path, lines: Sequence[bytes]) -> None:
    if lines:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(path.with_suffix(".rejected"), flags, 0o600)  # private, as the journal is
        with os.fdopen(descriptor, "ab") as stream:
            stream.writelines(lines)
