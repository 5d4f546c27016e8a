"""How much waits on disk for ``sync``: records that a process left behind, whose journal nobody owns any more."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from prefect_lineage.store.journal import SUFFIX, journal_id, owner_may_live
from prefect_lineage.store.lines import is_no_record, postponed_in
from prefect_lineage.store.store import Store

__all__ = ["waiting_records"]


def waiting_records(directory: Path, store: Store | None) -> int:
    """How many records :func:`~prefect_lineage.store.sync.sync` would load from a directory into a store.

    Args:
        directory: of journals; what cannot be read there does not count.
        store: what it has already does not count. None: there is no store yet.

    Raises:
        StoreError: the store cannot be read.
    """
    count = 0
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        with suppress(OSError):  # loaded and deleted in the meantime, or somebody else's
            count += _lines_left(path, store.position(journal_id(path)) if store is not None else 0)
    return count


def _lines_left(path: Path, position: int) -> int:
    with path.open("rb") as stream:
        if _is_owned(stream.fileno(), path):
            return 0
        whole = [line for line in stream if line.endswith(b"\n")]
    begins = accumulate((len(line) for line in whole), initial=0)
    unread = sum(
        1 for line, at in zip(whole, begins, strict=False) if at >= position and not is_no_record(line)
    )
    return unread + len(postponed_in(whole))


def _is_owned(descriptor: int, path: Path) -> bool:
    """Whether a process that lives will load it itself. The lock is shared: two that ask do not disturb each other."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks here, so the name must tell whose it is
        return owner_may_live(path, locked=False)
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return owner_may_live(path, locked=True)
