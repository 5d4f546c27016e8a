"""What is said beside an answer, on standard error."""

from __future__ import annotations

from prefect_lineage.api.lineage_urls import store_url
from prefect_lineage.cli.streams import complain
from prefect_lineage.cli.text import count
from prefect_lineage.errors import LineageError, StoreMissing
from prefect_lineage.settings import load
from prefect_lineage.store.store import Store
from prefect_lineage.store.waiting import waiting_records

__all__ = ["hint_at_waiting"]


def hint_at_waiting(url: str | None) -> None:
    """Say that records wait on disk, if some do: an answer of the store lacks them.

    Args:
        url: of the store; None: that of the settings.
    """
    directory = load().journal_dir
    try:
        with Store.open(store_url(url), readonly=True) as store:
            waiting = waiting_records(directory, store)
    except StoreMissing:
        waiting = waiting_records(directory, None)
    except LineageError:
        return  # who asked the store for an answer was told what is wrong with it
    if waiting:
        verb, them = ("waits", "it") if waiting == 1 else ("wait", "them")
        complain(f"{count(waiting, 'record')} {verb} in {directory}; `prefect-lineage sync` loads {them}.")
