"""From a reference to the one thing that it names, or to a sentence about what is near."""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from prefect_lineage.errors import ReferenceAmbiguous, ReferenceUnknown
from prefect_lineage.model.records import NAMED, VALUES
from prefect_lineage.model.reference import Reference
from prefect_lineage.model.uris import file_uri
from prefect_lineage.store.bulk import select_in, select_pairs, within
from prefect_lineage.store.content import digests_of
from prefect_lineage.store.packed import PackedDigest, PackedUuid
from prefect_lineage.store.rows import Loader, number_in
from prefect_lineage.store.schema import aliases, artifacts, locations, runs, versions
from prefect_lineage.store.versioning import LATEST

__all__ = ["Resolver"]

_NEAREST = 3
_COMPARED = 5_000
"""Names that a misspelt one is compared with; comparing takes about 20 microseconds each."""
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)(?:/(.*))?\Z", re.DOTALL)
_SCHEMES = {"s3a": "s3", "s3n": "s3"}
_UUID_START = re.compile(r"[0-9a-f-]{1,36}\Z")


class Resolver:
    """Answers references from one connection.

    Raises:
        ReferenceUnknown, ReferenceAmbiguous: from both public methods, with candidates.
    """

    def __init__(self, connection: Connection, loader: Loader, root: str | None) -> None:
        self._connection = connection
        self._loader = loader
        self._root = root

    def version(self, ref: Reference) -> int:
        """The row id of a version."""
        if ref.is_run:
            raise ReferenceUnknown(
                f"{ref.text!r} names a run and a version was expected.", reference=ref.text
            )
        by_id = number_in(ref.text) if ref.text.startswith("version-") else None
        if by_id is not None and self._scalar(sa.select(versions.c.id).where(versions.c.id == by_id)):
            return by_id
        # A name may look like a reference with an ending; the whole text goes first.
        whole = Reference(ref.text, ref.text)
        for form in dict.fromkeys((whole, ref)):
            owners = self._artifacts(form)
            for owner in owners:
                found = self._matching(owner, form)
                if len(found) > 1:
                    self._several_versions(owner, form)
                if found:
                    return found[0]
            if owners:
                self._no_such_version(owners[0], form)
        return self._by_content(ref)

    def run(self, ref: Reference) -> int:
        """The row id of a run: by UUID, by the beginning of one, by name."""
        wanted = ref.target if ref.is_run else ref.text
        known = runs.c.kind.is_not(None)
        found = self._runs(known, runs.c.uuid.in_((wanted, wanted.lower())))
        if not found and _UUID_START.match(wanted.lower()):
            found = self._runs(known, PackedUuid().starting_with(runs.c.uuid, wanted.lower()))
        found = found or self._runs(known, runs.c.name == wanted)
        if not found:
            self._unknown_run(ref, wanted)
        if len(found) > 1:
            raise ReferenceAmbiguous(
                f"Several runs answer to {ref.text!r}: {_listed([f'run:{row.uuid}' for row in found])};"
                " write more of the UUID.",
                reference=ref.text,
                candidates=[f"run:{row.uuid}" for row in found],
            )
        return int(found[0].id)

    def _runs(self, *conditions: sa.ColumnElement[bool]) -> list[Row[*tuple[Any, ...]]]:
        newest = sa.func.coalesce(runs.c.started_at, 0).desc()
        statement = sa.select(runs.c.id, runs.c.uuid).where(*conditions).order_by(newest).limit(5)
        return list(self._connection.execute(statement))

    def _artifacts(self, ref: Reference) -> list[int]:
        """The artifact of that name; or else the one that owns the location, and after it the one that is still
        called by the location though the location has gone to another."""
        named = sa.select(artifacts.c.id).where(artifacts.c.namespace == NAMED, artifacts.c.key == ref.target)
        found = self._ids(named)
        if found:
            return found
        uris, places = _spellings(ref.target, self._root)
        key = (locations.c.namespace, locations.c.key)
        statement = sa.select(locations.c.artifact_id, *key)
        rows = list(select_in(self._connection, statement.where(within(locations.c.uri)), uris))
        rows += select_pairs(self._connection, statement, key, places)
        # The same path on several machines: this one's is meant.
        rows = [row for row in rows if row.namespace == f"file://{socket.gethostname()}"] or rows
        owners = sorted({row.artifact_id for row in rows})
        if len(owners) > 1:
            self._several_artifacts(ref, owners)
        called = select_pairs(
            self._connection,
            sa.select(artifacts.c.id),
            (artifacts.c.namespace, artifacts.c.key),
            {(row.namespace, row.key) for row in rows},
        )
        return list(dict.fromkeys([*owners, *(row.id for row in called)]))

    def _matching(self, owner: int, ref: Reference) -> list[int]:
        """The versions of an artifact that the ending allows."""
        of_owner = versions.c.artifact_id == owner
        if ref.number is not None:
            return self._ids(sa.select(versions.c.id).where(of_owner, versions.c.number == ref.number))
        if ref.alias is not None:
            return self._ids(_aliased(owner, ref.alias))
        if ref.digest is not None:
            digest = PackedDigest()
            starts = [digest.starting_with(versions.c.digest, text) for text in _digests(ref.digest)]
            return self._ids(sa.select(versions.c.id).where(of_owner, sa.or_(*starts)))
        newest = sa.select(versions.c.id).where(of_owner).order_by(versions.c.number.desc()).limit(1)
        return self._ids(_aliased(owner, LATEST)) or self._ids(newest)

    def _several_versions(self, owner: int, ref: Reference) -> NoReturn:
        near = [f"{ref.target}:v{number}" for number in self._numbers(owner)]
        raise ReferenceAmbiguous(
            f"Several versions answer to {ref.text!r}; write more of the digest, or one of {_listed(near)}.",
            reference=ref.text,
            candidates=near,
        )

    def _no_such_version(self, owner: int, ref: Reference) -> NoReturn:
        near = [f"{ref.target}:v{number}" for number in self._numbers(owner)]
        near += [f"{ref.target}:{alias}" for alias in self._aliases(owner)]
        raise ReferenceUnknown(
            f"{ref.target!r} is recorded but has no version {ref.ending}; there is {_listed(near)}.",
            reference=ref.text,
            candidates=near,
        )

    def _by_content(self, ref: Reference) -> int:
        """A file that is not recorded where it lies, but somewhere with the same content."""
        path = next(filter(os.path.isfile, _paths(ref.text, self._root)), None)
        if path is None:
            self._unknown(ref)
        statement = sa.select(versions.c.id).where(versions.c.digest.in_(digests_of(Path(path))))
        found = self._ids(statement.order_by(versions.c.id))
        if not found:
            raise ReferenceUnknown(
                f"The file {ref.text} exists, but no recorded run has read or written it or its content.",
                reference=ref.text,
                candidates=self._near(ref.target),
            )
        if len(found) > 1:
            near = [str(version) for version in self._loader.versions(found).values()]
            raise ReferenceAmbiguous(
                f"The content of {ref.text} is that of several versions: {_listed(near)}; name one of them.",
                reference=ref.text,
                candidates=near,
            )
        return found[0]

    def _ids(self, statement: sa.Select[*tuple[Any, ...]]) -> list[int]:
        return list(self._connection.execute(statement).scalars())

    def _scalar(self, statement: sa.Select[*tuple[Any, ...]]) -> int | None:
        return self._connection.execute(statement).scalar()

    def _numbers(self, owner: int) -> list[int]:
        statement = sa.select(versions.c.number).where(versions.c.artifact_id == owner)
        return self._ids(statement.order_by(versions.c.number.desc()).limit(_NEAREST))

    def _aliases(self, owner: int) -> list[str]:
        statement = sa.select(aliases.c.alias).where(aliases.c.artifact_id == owner)
        return list(self._connection.execute(statement.order_by(aliases.c.alias).limit(_NEAREST)).scalars())

    def _several_artifacts(self, ref: Reference, owners: list[int]) -> NoReturn:
        near = [f"{artifact.namespace} {artifact.name}" for artifact in self._loader.artifacts(owners)]
        raise ReferenceAmbiguous(
            f"Several artifacts answer to {ref.text!r}: {_listed(near)}; write the whole URI or name one.",
            reference=ref.text,
            candidates=near,
        )

    def _unknown(self, ref: Reference) -> NoReturn:
        near = self._near(ref.target)
        hint = f"; the nearest is {_listed(near)}" if near else ""
        raise ReferenceUnknown(
            f"Nothing recorded answers to {ref.text!r}{hint}.", reference=ref.text, candidates=near
        )

    def _unknown_run(self, ref: Reference, wanted: str) -> NoReturn:
        newest = sa.func.coalesce(runs.c.started_at, 0).desc()
        statement = sa.select(runs.c.name).where(runs.c.name.is_not(None)).order_by(newest).limit(_COMPARED)
        names = dict.fromkeys(self._connection.execute(statement).scalars())
        near = [
            f"run:{name}" for name in difflib.get_close_matches(wanted, [n for n in names if n], _NEAREST)
        ]
        hint = f"; the nearest is {_listed(near)}" if near else ""
        raise ReferenceUnknown(
            f"No recorded run answers to {ref.text!r}{hint}.", reference=ref.text, candidates=near
        )

    def _near(self, target: str) -> list[str]:
        """The names most alike, as a whole or in their last part."""
        statement = sa.select(artifacts.c.name, artifacts.c.namespace).order_by(artifacts.c.updated_at.desc())
        shown = [
            self._loader.display_name(row.name, row.namespace)
            for row in self._connection.execute(statement.limit(_COMPARED))
        ]
        near = difflib.get_close_matches(target, shown, _NEAREST)
        ends: dict[str, list[str]] = {}
        for name in shown:
            ends.setdefault(name.rpartition("/")[2], []).append(name)
        for end in difflib.get_close_matches(target.rpartition("/")[2], ends, _NEAREST):
            near += ends[end]
        return list(dict.fromkeys(near))[:_NEAREST]


def _aliased(owner: int, alias: str) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(aliases.c.version_id).where(aliases.c.artifact_id == owner, aliases.c.alias == alias)


def _digests(start: str) -> list[str]:
    return [start] if ":" in start else [start, f"blake3:{start}", f"sha256:{start}"]


def _listed(names: Sequence[str]) -> str:
    return " or ".join(names) if names else "none"


def _paths(text: str, root: str | None) -> Iterator[str]:
    """The absolute paths that a text may mean: links followed and not, from here and from the root."""
    if "://" in text and not text.startswith("file://"):
        return
    spelt = re.sub(r"\Afile://(?:localhost(?=/))?", "", text)
    raws = [Path(spelt)] if spelt == text else [Path(unquote(spelt)), Path(spelt)]
    if text.startswith("~/"):
        raws = [Path(text).expanduser()]
    bases = [Path.cwd()] if root is None else [Path.cwd(), Path(root)]
    for base in bases:
        for raw in raws:
            path = os.path.normpath(base / raw)
            yield from dict.fromkeys((os.path.realpath(path), path))


def _spellings(text: str, root: str | None) -> tuple[list[str], list[tuple[str, str]]]:
    """The URIs, and the (namespace, key) pairs, under which a text may be recorded."""
    uris, places = [text, VALUES + text], []
    for path in _paths(text, root):
        uris += [f"file://{path}", file_uri(path), path]
        places += [(f"file://{host}", path) for host in ("", socket.gethostname(), "localhost")]
    parts = _URI.match(text)
    if parts and parts[1] != "file":
        scheme = _SCHEMES.get(parts[1].lower(), parts[1].lower())
        host, key = parts[2], parts[3] or ""
        uris.append(f"{scheme}://{host}/{key}")
        places += [(f"{scheme}://{host}", key), (f"{scheme}://", f"{host}/{key}" if key else host)]
    return list(dict.fromkeys(uris)), list(dict.fromkeys(places))
