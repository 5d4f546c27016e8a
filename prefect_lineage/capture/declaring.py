"""What the user says: this is an input, that is an output, and it is called so."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec.structs import replace

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import paused
from prefect_lineage.capture.digests import unhashed
from prefect_lineage.capture.guard import guarded
from prefect_lineage.capture.identity import is_uri, local_path, named
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.capture.values import Returned
from prefect_lineage.capture.walking import walk
from prefect_lineage.errors import LineageError, ReferenceUnknown
from prefect_lineage.model.entities import Version
from prefect_lineage.model.records import NAMED, Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.model.reference import Reference
from prefect_lineage.model.times import now

__all__ = ["Declaring", "Said"]

log = logging.getLogger("prefect_lineage")


@dataclass(frozen=True, slots=True)
class Said:
    """What the user says of an output."""

    name: str | None = None
    type: str | None = None
    aliases: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None


class Declaring:
    """Turns what users say into edges, and records them at once."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    # -- for @track, which must not disturb the task -------------------------------------------------

    @guarded
    def returned(self, attempt: Attempt, value: object, said: Said) -> None:
        """A tracked function returned a value that has a name."""
        path = _returned_path(attempt, value)
        if path is not None:
            self.log(attempt, path, said, via="track")
            return
        recorder = self._recorder
        with paused():
            returned = self._remembered(attempt, value, said)
            edge = replace(recorder.values.output_edge(returned, now()), how="declared", via="track")
            self._record(attempt, self._with_said(edge, said))

    @guarded
    def passed(self, attempt: Attempt, reference: str, parameter: str, value: object) -> None:
        """A tracked function received a value that the user calls by a reference."""
        wanted = Reference.parse(reference)
        for item in walk(value, 2):
            known = self._recorder.values.who_returned(item)
            if known is not None and known.name == wanted.target:
                return  # seen on its way already, from its very producer
        try:
            version = self._resolve(wanted, value)
        except LineageError as error:
            attempt.missed("input reference not found")
            log.warning("@track(inputs={%r: %r}): %s", parameter, reference, error)
            return
        self._record(attempt, self._edge_to(version, f"argument {parameter}"))

    def _resolve(self, wanted: Reference, value: object) -> Version:
        """The version with the very content that was passed, else the one that the reference means."""
        content = self._recorder.values.content(value, "", "")
        same = Reference(f"{wanted.target}@{content.digest}", wanted.target, digest=content.digest)
        if wanted.number is None and wanted.digest is None and content.covers == "all":
            try:
                return self._recorder.read(lambda store: store.version(same))
            except ReferenceUnknown:
                log.debug("no version of %s has the content that was passed", wanted.target)
        return self._recorder.read(lambda store: store.version(wanted))

    # -- for log_artifact and use_artifact, which answer ----------------------------------------------

    def log(self, attempt: Attempt, target: object, said: Said, via: str = "log_artifact") -> EdgeRecord:
        """Record ``target`` as an output of the attempt.

        Raises:
            LineageError: there is nothing at the path, or a value has no name.
        """
        with paused():
            location, content, guessed = self._found(attempt, target, said)
        edge = EdgeRecord(
            location, content, "output", "declared", via, type=said.type or guessed, name=said.name, at=now()
        )
        edge = self._with_said(edge, said)
        attempt.names[location.uri] = edge
        self._record(attempt, edge)
        return edge

    def use(self, attempt: Attempt, version: Version) -> None:
        """Record ``version`` as an input of the attempt; what the attempt logged itself is none."""
        edge = self._edge_to(version, "use_artifact")
        own = {(said.name or said.location.uri, said.content.digest) for said in attempt.outputs}
        if own.isdisjoint({(version.name, version.digest), (version.uri, version.digest)}):
            self._record(attempt, edge)

    def _found(self, attempt: Attempt, target: object, said: Said) -> tuple[Location, Content, str]:
        text = os.fsdecode(target) if isinstance(target, (str, os.PathLike)) else None
        if text is None:
            return self._value(attempt, target, said)
        path = local_path(text)
        if path is None:
            location = self._recorder.observing.location(text)
            return location, unhashed(attempt.run, location.uri), "file"
        content = self._recorder.digester.of_file(os.path.expanduser(path), attempt.run)  # noqa: PTH111
        if content is None:
            raise LineageError(
                f"log_artifact({text!r}): there is no such file or directory, and it is no URI; write the "
                "file first, give a URI, or pass a value that is not text together with name=…."
            )
        return (
            self._recorder.observing.location(path),
            content,
            "directory" if content.format == "directory" else "file",
        )

    def _value(self, attempt: Attempt, value: object, said: Said) -> tuple[Location, Content, str]:
        if said.name is None:
            raise LineageError(
                f"log_artifact(<{type(value).__qualname__}>): a Python value needs a name: log_artifact(value, name=…)."
            )
        returned = self._remembered(attempt, value, said)
        assert returned.content is not None  # noqa: S101 - it has just been computed
        return named(said.name), returned.content, returned.type

    def _remembered(self, attempt: Attempt, value: object, said: Said) -> Returned:
        """The value under its name, so that whoever receives it is known to use that."""
        values = self._recorder.values
        returned = Returned(
            attempt.run,
            attempt.number,
            attempt.job,
            root=attempt.root,
            name=said.name,
            type=said.type or values.type_of(value),
            content=values.content(value, attempt.run, said.name or ""),
            recorded=True,
        )
        values.remember(value, returned)
        return returned

    def _with_said(self, edge: EdgeRecord, said: Said) -> EdgeRecord:
        return replace(
            edge,
            typed=said.type is not None,
            aliases=said.aliases,
            metadata=self._recorder.redactor.data(dict(said.metadata)),
            description=said.description and self._recorder.redactor.text(said.description),
        )

    def _edge_to(self, version: Version, via: str) -> EdgeRecord:
        """A declared input edge to a version that is in the store."""
        if version.named:
            location = Location(NAMED, version.name, version.uri)
        else:
            location = Location(version.namespace, version.key, version.uri)
        known: dict[str, Literal["all", "none", "version"]] = {"all": "all", "version": "version"}
        covers = known.get(version.covers, "none")
        content = Content(version.digest, covers, version.size)
        return EdgeRecord(location, content, "input", "declared", via, type=version.type, at=now())

    def _record(self, attempt: Attempt, edge: EdgeRecord) -> None:
        attempt.declare(edge)
        if edge.direction == "output" and attempt.may_fail:
            # known from now on, and counted when the attempt has completed: until then it is partial,
            # no alias moves, and if the attempt fails it stays so
            edge = replace(edge, partial=True, aliases=(), times=0)
        with paused():
            self._recorder.write(Record(RunRecord(attempt.run), attempt.number, (edge,)))


def _returned_path(attempt: Attempt, value: object) -> str | None:
    """The file that a returned path names: any ``Path`` to one; a text only if this attempt wrote there."""
    if isinstance(value, os.PathLike):
        path = os.path.abspath(os.fsdecode(value))  # noqa: PTH100
        return path if os.path.lexists(path) else None
    if not isinstance(value, str) or is_uri(value) or "\0" in value:
        return None
    path = os.path.abspath(value)  # noqa: PTH100
    return path if any(access.writes and access.target == path for access in attempt.accesses) else None
