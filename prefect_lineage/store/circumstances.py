"""The parts of runs' details that are alike for many runs: code, environment and process. Each is stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefect_lineage.store.bulk import insert_all, select_in, within
from prefect_lineage.store.lines import dump_json, load_json
from prefect_lineage.store.schema import circumstances

__all__ = ["COLUMNS", "Texts", "all_values", "apart", "ids_of", "values_of"]

COLUMNS = {kind: f"{kind}_id" for kind in ("code", "environment", "process")}
"""Their columns in ``runs``, by their keys in the details of a run."""

Texts = dict[str, str]
"""JSON texts of circumstances, by their column."""


def apart(
    details: Mapping[str, Any], known: dict[str, Texts] | None = None
) -> tuple[Mapping[str, Any], Texts]:
    """The details without circumstances, and those.

    Args:
        known: what was found before, for runs that have the same; added to.
    """
    found = {kind: details[kind] for kind in COLUMNS if kind in details}
    if not found:
        return details, {}
    known = {} if known is None else known
    whole = dump_json(found)
    texts = known.get(whole)
    if texts is None:
        texts = known[whole] = {COLUMNS[kind]: dump_json(value) for kind, value in found.items()}
    return {key: value for key, value in details.items() if key not in found}, texts


def ids_of(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """Ids of circumstances by their JSON texts, adding those that are new. Needs the write lock."""
    names = {text: hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in texts}
    known = {row.name: row.id for row in select_in(connection, _ids(), names.values())}
    missing = {name: text for text, name in names.items() if name not in known}
    rows = [(name, load_json(text)) for name, text in missing.items()]
    known |= zip(missing, insert_all(connection, circumstances, ("name", "value"), rows), strict=True)
    return {text: known[name] for text, name in names.items()}


def values_of(connection: Connection, ids: Iterable[int]) -> dict[int, Any]:
    """Circumstances by id."""
    return {row.id: row.value for row in select_in(connection, _values(), set(ids))}


def all_values(connection: Connection) -> dict[int, Any]:
    """Every circumstance by id."""
    found = connection.execute(sa.select(circumstances.c.id, circumstances.c.value))
    return {row.id: row.value for row in found}


@cache
def _ids() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(circumstances.c.name, circumstances.c.id).where(within(circumstances.c.name))


@cache
def _values() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(circumstances.c.id, circumstances.c.value).where(within(circumstances.c.id))
