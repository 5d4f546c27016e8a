"""Opening the store that a command was given, and telling what is wrong with the settings."""

from __future__ import annotations

from prefect_lineage.api.lineage import Lineage
from prefect_lineage.cli.options import OutputOptions
from prefect_lineage.cli.streams import complain
from prefect_lineage.settings import load

__all__ = ["opened", "tell_warnings"]


def opened(out: OutputOptions, *, readonly: bool = True) -> Lineage:
    """The store of ``--url``, or else of the settings.

    Raises:
        StoreError: it cannot be opened.
    """
    tell_warnings()
    return Lineage(out.url, readonly=readonly)


def tell_warnings() -> None:
    """A sentence for each setting that is unknown or malformed."""
    for warning in load().warnings:
        complain(warning)
