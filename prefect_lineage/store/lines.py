"""Records as lines of a journal, and JSON that never fails on what a flow may hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from prefect_lineage.model.records import RECORD_FORMAT, Record, plain

__all__ = [
    "NewerLine",
    "Postponed",
    "clean_record",
    "decode",
    "dump_json",
    "encode",
    "encode_postponed",
    "is_no_record",
    "load_json",
    "postponed_in",
    "settled_by",
]

_OPTIONS = orjson.OPT_NON_STR_KEYS
_LARGEST = 2**63 - 1
_FORMAT = b'{"format":%d,' % RECORD_FORMAT


_POSTPONED, _SETTLES = b'{"postponed":', b'{"settles":'
"""How such lines begin: told without parsing, for nearly all lines are neither."""


class _Line(Record, frozen=True):
    """A record, and what its line says besides."""

    format: int = 0
    settles: str | None = None


class _Head(Struct):
    """What a line of any release has."""

    format: int = 0


_line = msgspec.json.Decoder(_Line)
_head = msgspec.json.Decoder(_Head)


class NewerLine(ValueError):
    """The line was written by a newer release."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """A record that was to be told again, complete, once the digests of its large files were known.

    Attributes:
        key: the line that tells it names this.
        record: what is known already; where a digest is missing, its content says so.
        missing: what to know of each missing digest, for whoever computes it: the number of the edge, and more.
    """

    key: str
    record: Record
    missing: tuple[Mapping[str, Any], ...]


def encode(record: Record, settles: str | None = None) -> bytes:
    """One journal line, its newline included. Values that JSON lacks become their ``str``.

    Args:
        settles: the key of the postponed record whose place it takes.
    """
    if settles is not None:
        return _dumps({"settles": settles, **record.to_dict()}, orjson.OPT_APPEND_NEWLINE)
    try:
        return b"%b%b\n" % (_FORMAT, _encoder.encode(record)[1:])
    except (TypeError, ValueError, RecursionError):  # lone surrogates, keys of strange types
        return _dumps(record.to_dict(), orjson.OPT_APPEND_NEWLINE)


def encode_postponed(postponed: Postponed) -> bytes:
    """The line of a record that is no record yet."""
    data = {
        "postponed": postponed.key,
        "format": RECORD_FORMAT,
        "missing": postponed.missing,
        "record": postponed.record.to_dict(),
    }
    return _dumps(data, orjson.OPT_APPEND_NEWLINE)


def is_no_record(line: bytes) -> bool:
    """Whether a line is nothing for a store: empty, or a record that is told again further on."""
    return line.startswith(_POSTPONED) or line == b"\n"


def settled_by(line: bytes) -> str | None:
    """The key of the postponed record whose place a line takes, if it does."""
    if not line.startswith(_SETTLES):
        return None
    try:
        return str(orjson.loads(line)["settles"])
    except ValueError:
        return None


def postponed_in(lines: Iterable[bytes]) -> list[Postponed]:
    """The postponed records that none of the lines tells again, in their order. Unreadable ones are left out."""
    found: dict[str, Postponed] = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            if line.startswith(_POSTPONED):
                data = orjson.loads(line)
                record = Record.from_dict(data["record"])
                found[data["postponed"]] = Postponed(data["postponed"], record, tuple(data["missing"]))
            elif (key := settled_by(line)) is not None:
                found.pop(key, None)
    return list(found.values())


def decode(line: bytes) -> Record:
    """The inverse of :func:`encode`.

    Raises:
        NewerLine: the line has a format that only a newer release knows.
        ValueError: the line holds no record.
    """
    try:
        found = _line.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        newer = _format_of(line)
        if newer > RECORD_FORMAT:
            raise NewerLine(f"record format {newer} is newer than {RECORD_FORMAT}") from error
        raise ValueError(f"the line holds no record: {error}") from error
    if found.format > RECORD_FORMAT:
        raise NewerLine(f"record format {found.format} is newer than {RECORD_FORMAT}")
    return Record(found.run, found.attempt, found.edges, found.deletions)


def _format_of(line: bytes) -> int:
    try:
        return _head.decode(line).format
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return 0


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


def _texts(record: Record) -> list[str | None]:
    """The texts that go into columns of their own; JSON columns are cleaned by :func:`dump_json`."""
    run = record.run
    texts = [run.id, run.kind, run.name, run.job, run.flow, run.flow_run, run.parent, run.state]
    texts.append(run.result_key)
    for edge in record.edges:  # no generators: this is asked of every record
        place, content = edge.location, edge.content
        texts += (place.namespace, place.key, place.uri, edge.name, edge.type, edge.via, edge.description)
        texts += (content.digest, content.covers, content.format, *edge.aliases, *edge.tokens, edge.refers)
    return texts


def _dumps(value: Any, options: int) -> bytes:
    try:
        return orjson.dumps(value, default=plain, option=_OPTIONS | options)
    except (TypeError, ValueError, RecursionError):
        # Lone surrogates, integers beyond 64 bits, keys of strange types: rare, so cleaned only then.
        return orjson.dumps(_clean(value, 0), option=options)


_encoder = msgspec.json.Encoder(enc_hook=plain)


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
        value = plain(value)
    if isinstance(value, (list, tuple)):
        return [_clean(member, depth + 1) for member in value]
    return clean_text(str(value))
