"""Loading the journals that ended processes left behind, also those carried here from another machine."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from prefect_lineage.errors import StoreError
from prefect_lineage.model.records import Record
from prefect_lineage.store.journal import SUFFIX, UNNAMED, journal_id, owner_may_live
from prefect_lineage.store.lines import Postponed, postponed_in
from prefect_lineage.store.loading import Loaded, apply_once, load
from prefect_lineage.store.remote import fetched
from prefect_lineage.store.store import Store

__all__ = ["Finish", "SyncReport", "sync", "sync_remote"]

_UNNAMED_S = 24 * 3600

Finish = Callable[[Postponed], Record]
"""Makes a record of what its process could not tell to the end."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What ``sync`` found in a directory.

    Attributes:
        files: journals that were loaded to their end, and deleted; in an object store they stay.
        records: applied now; what the store had before is not counted.
        rejected: lines that could not be read or stored; they are kept beside, in ``<journal>.rejected``.
        torn: journals whose last line their process did not finish; that line is dropped.
        busy: journals whose process lives, or may live where the file system has no locks: it loads them itself.
        newer: journals that hold records of a newer release; they stay.
    """

    files: int = 0
    records: int = 0
    rejected: int = 0
    torn: int = 0
    busy: int = 0
    newer: int = 0


def sync(directory: Path, store: Store, finish: Finish | None = None) -> SyncReport:
    """Load every journal in a directory whose owner is gone, exactly once however often it is called.

    Args:
        finish: for records that a process had postponed and never told; without, they are taken as far as known.

    Raises:
        StoreError: the store cannot be used, or a journal cannot be read; nothing is lost.
    """
    done: list[Loaded] = []
    busy = 0
    try:
        for path in sorted(directory.glob(f"*{SUFFIX}")):
            with _owned(path) as stream:
                if stream is None:
                    busy += path.exists()
                    continue
                loaded = _load_all(path, store, finish)
                done.append(loaded)
                if not loaded.is_newer:
                    path.unlink(missing_ok=True)
        _sweep(directory)
    except OSError as error:
        raise StoreError(f"A journal in {directory} cannot be loaded: {error.strerror or error}.") from error
    return _reported(done, busy)


def sync_remote(url: str, store: Store) -> SyncReport:
    """Load the journals below a URL that fsspec can read, exactly once; nothing is deleted there.

    Raises:
        StoreError: the store cannot be used, or the URL cannot be read.
    """
    return _reported([_load_all(path, store, None) for path in fetched(url, SUFFIX, store.position)], 0)


def _reported(done: Iterable[Loaded], busy: int) -> SyncReport:
    done = list(done)
    finished = [loaded for loaded in done if not loaded.is_newer]
    return SyncReport(
        files=len(finished),
        records=sum(loaded.records for loaded in done),
        rejected=sum(loaded.rejected for loaded in done),
        torn=sum(1 for loaded in finished if loaded.rest),
        busy=busy,
        newer=len(done) - len(finished),
    )


def _load_all(path: Path, store: Store, finish: Finish | None) -> Loaded:
    loaded = Loaded(store.position(journal_id(path)))
    while load(store, path, loaded):
        pass
    if not loaded.is_newer:
        with path.open("rb") as stream:
            left = postponed_in(stream)
        for postponed in left:
            record = finish(postponed) if finish is not None else postponed.record
            loaded.records += apply_once(store, [record], postponed.key)
    return loaded


def _sweep(directory: Path) -> None:
    """Remove empty files of processes that were killed before their journal had its name.

    Only old ones, for until a file has its name its lock may not be taken yet.
    """
    for path in directory.glob(f"*{UNNAMED}"):
        with suppress(FileNotFoundError):
            state = path.stat()
            if not state.st_size and time.time() - state.st_mtime > _UNNAMED_S:
                path.unlink()


@contextmanager
def _owned(path: Path) -> Iterator[BinaryIO | None]:
    """The journal under its owner's lock, or None while the owner lives or when the file has just gone."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        except OSError:  # no locks here, so the name must tell whose it is
            locked = False
        else:
            locked = True
        gone = os.fstat(stream.fileno()).st_nlink == 0
        yield None if gone or owner_may_live(path, locked=locked) else stream
