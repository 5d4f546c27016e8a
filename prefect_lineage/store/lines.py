"""Records as lines of a journal, and JSON that never fails on what a flow may hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from prefect_lineage.model.records import RECORD_FORMAT, Record

__all__ = ["NewerLine", "clean_record", "decode", "dump_json", "encode", "load_json"]

_OPTIONS = orjson.OPT_NON_STR_KEYS
_LARGEST = 2**63 - 1


class NewerLine(ValueError):
    """The line was written by a newer release."""


def encode(record: Record) -> bytes:
    """One journal line, its newline included. Values that JSON lacks become their ``str``."""
    return _dumps(record.to_dict(), orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Record:
    """The inverse of :func:`encode`.

    Raises:
        NewerLine: the line has a format that only a newer release knows.
        ValueError: the line holds no record.
    """
    try:
        data = orjson.loads(line)
        if data.get("format", 0) > RECORD_FORMAT:
            raise NewerLine(f"record format {data['format']} is newer than {RECORD_FORMAT}")
        record = Record.from_dict(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the line holds no record: {error}") from error
    # SQLite takes a text for a number, PostgreSQL's driver writes a list as a text: whoever reads it later fails.
    if not all(number is None or type(number) is int for number in _numbers(record)):
        raise ValueError("the line holds no record: something else stands where a number belongs")
    if not all(text is None or type(text) is str for text in _texts(record)):
        raise ValueError("the line holds no record: something else stands where a text belongs")
    return record


def dump_json(value: Any) -> str:
    """JSON text of anything."""
    return _dumps(value, 0).decode()


def load_json(text: str | bytes) -> Any:
    """The inverse of :func:`dump_json`."""
    return orjson.loads(text)


def clean_record(record: Record) -> Record:
    """The record without what a database refuses in a text: NUL, and the lone surrogates that stand for
    undecodable bytes in file names (they become ``\\udc80``, spelt out)."""
    texts = "".join(filter(None, _texts(record)))
    if "\0" not in texts and (texts.isascii() or clean_text(texts) == texts):
        return record
    return Record.from_dict(_clean(record.to_dict(), 0))


def clean_text(text: str) -> str:
    """See :func:`clean_record`."""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def _texts(record: Record) -> Iterator[str | None]:
    """The texts that go into columns of their own; JSON columns are cleaned by :func:`dump_json`."""
    run = record.run
    yield from (run.id, run.kind, run.name, run.job, run.flow, run.flow_run, run.parent, run.state)
    yield run.result_key
    for edge in record.edges:
        place, content = edge.location, edge.content
        yield from (place.namespace, place.key, place.uri, edge.name, edge.type, edge.via, edge.description)
        yield from (content.digest, content.covers, content.format, *edge.aliases, *edge.tokens, edge.refers)


def _numbers(record: Record) -> Iterator[object]:
    run = record.run
    yield from (record.attempt, run.started_at, run.ended_at, run.attempt)
    for edge in record.edges:
        yield from (edge.times, edge.at, edge.ended, edge.content.size, edge.content.rows)
    yield from (deletion.at for deletion in record.deletions)


def _dumps(value: Any, options: int) -> bytes:
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS | options)
    except (TypeError, ValueError, RecursionError):
        # Lone surrogates, integers beyond 64 bits, keys of strange types: rare, so cleaned only then.
        return orjson.dumps(_clean(value, 0), option=options)


def _plain(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return value if -_LARGEST <= value <= _LARGEST else str(value)
    if depth > 100:
        return "…"
    if isinstance(value, dict):
        return {clean_text(str(key)): _clean(member, depth + 1) for key, member in value.items()}
    if isinstance(value, (set, frozenset)):
        value = _plain(value)
    if isinstance(value, (list, tuple)):
        return [_clean(member, depth + 1) for member in value]
    return clean_text(str(value))
