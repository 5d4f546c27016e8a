"""``use_artifact``, ``log_artifact`` and ``run``: what a user says in so many words."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Token
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from prefect_lineage.capture import switch
from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.declaring import Said
from prefect_lineage.capture.liveness import this_process
from prefect_lineage.capture.parameters import bounded_each, command_line
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.errors import LineageError, NoRunError, ReferenceUnknown, StoreError
from prefect_lineage.model.entities import Run, Version
from prefect_lineage.model.records import EdgeRecord, RunRecord
from prefect_lineage.model.reference import Reference, checked_alias, checked_name
from prefect_lineage.model.times import now
from prefect_lineage.settings import load

if TYPE_CHECKING:
    from prefect_lineage.api.lineage import Lineage

__all__ = ["log_artifact", "run", "use_artifact"]

log = logging.getLogger("prefect_lineage")


def use_artifact(reference: str | os.PathLike[str], *, type: str | None = None) -> Version:  # noqa: A002
    """Find a version, and declare it as an input of the run that is active here, if one is.

    Args:
        reference: ``name``, ``name:v3``, ``name:alias``, ``name@digest``, a path or a URI.
        type: what the artifact must be.

    Raises:
        ReferenceInvalid, ReferenceUnknown, ReferenceAmbiguous: see the message for the nearest names.
        StoreError: the store cannot be read.
    """
    wanted = Reference.parse(os.fsdecode(reference))
    recorder = switch.recorder()
    version = _found(recorder, wanted)
    if type is not None and version.type != type:
        raise ReferenceUnknown(
            f"{reference} is of type {version.type!r}, not {type!r}; leave type out or name another artifact.",
            reference=str(reference),
        )
    attempt, declaring = current.get(), switch.declaring()
    if attempt is not None and declaring is not None:
        declaring.use(attempt, version)
    return version


def log_artifact(
    target: object,
    *,
    name: str | None = None,
    type: str | None = None,  # noqa: A002
    aliases: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    description: str | None = None,
    run: str | Run | None = None,
) -> Version:
    """Declare an output of the active run, or of ``run``, which may have finished long ago.

    Args:
        target: a path of a file or directory, a URI (nothing is copied), or a Python value.
        name: what to call the artifact from now on; a value must have one.
        type: ``dataset``, ``model``, ``report`` …
        aliases: movable names that move to this version.
        metadata: JSON data, kept with the version.
        run: another run than the active one: the run itself, ``run:<id>`` or its id.

    Returns:
        The version: a new one, or the one that has this very content already. Its number is -1 where none can
        be known: the record waits for a store that is away, or capture is switched off and nothing was recorded.

    Raises:
        NoRunError: no run is active here, and none was given.
        LineageError: there is nothing at ``target``, or a value has no name.
        ReferenceInvalid: no reference could find the name or an alias again.
        ReferenceUnknown: there is no such run.
    """
    if isinstance(aliases, str):
        raise LineageError(
            f"log_artifact(aliases={aliases!r}) is one text; give a list: aliases=[{aliases!r}]."
        )
    if name is not None:
        checked_name(name)
    said = Said(name, type, tuple(map(checked_alias, aliases)), dict(metadata or {}), description)
    recorder, declaring = switch.recorder(), switch.declaring()
    if recorder is None or declaring is None:
        if load().enabled is False:
            return _unnumbered(name or str(target), type, said)
        raise NoRunError(_no_run(target))
    attempt = current.get() if run is None else _attempt_of(recorder, run)
    if attempt is None:
        raise NoRunError(_no_run(target))
    edge = declaring.log(attempt, target, said)
    return _recorded(recorder, edge)


@contextmanager
def run(name: str, *, parameters: Mapping[str, Any] | None = None, tags: Sequence[str] = ()) -> Iterator[Run]:
    """Make a run of plain code: a script, a notebook cell, anything outside Prefect.

    What is read and written inside belongs to it, as in a task.
    """
    if not switch.enable_tracked():
        yield Run(str(uuid.uuid4()), "script", name, name, None, None, None, "Running", now(), None, 1)
        return
    recorder = switch.recorder()
    assert recorder is not None  # noqa: S101 - it has just been switched on
    outer = current.get()
    details = {
        "parameters": bounded_each(parameters),
        "tags": sorted(tags),
        "code": {"command": command_line(sys.argv, recorder.redactor)},
        "process": this_process(),
    }
    record = _script_record(name, outer, details)
    recorder.begin_run(record)
    attempt, token = recorder.begin_attempt(record.id, 1, name)
    state = "Crashed"
    try:
        yield _begun(record)
        state = "Completed"
    except Exception:
        state = "Failed"
        raise
    finally:
        _leave(attempt, outer, token)
        recorder.end_attempt(
            attempt, RunRecord(record.id, state=state, ended_at=now()), completed=state == "Completed"
        )
        if outer is None:
            recorder.flush()


def _leave(attempt: Attempt, outer: Attempt | None, token: Token[Attempt | None]) -> None:
    try:
        current.reset(token)
    except ValueError:  # entered and left in two contexts, as in an async generator that two tasks step
        if current.get() is attempt:
            current.set(outer)


def _script_record(name: str, outer: Attempt | None, details: Mapping[str, Any]) -> RunRecord:
    return RunRecord(
        id=str(uuid.uuid4()),
        kind="script",
        name=name,
        job=name,
        parent=outer.run if outer is not None else None,
        state="Running",
        started_at=now(),
        attempt=1,
        details=details,
    )


def _begun(record: RunRecord) -> Run:
    return Run(
        record.id,
        "script",
        record.name or "",
        record.job or "",
        None,
        None,
        record.parent,
        "Running",
        record.started_at,
        None,
        1,
    )


def _attempt_of(recorder: Recorder, run: str | Run) -> Attempt:
    """The last attempt of a run that may be over."""
    text = run.id if isinstance(run, Run) else run
    wanted = Reference.parse(text if text.startswith("run:") else f"run:{text}")
    found = recorder.read(lambda store: store.run(wanted))
    return Attempt(found.id, found.attempt, found.job)


def _recorded(recorder: Recorder, edge: EdgeRecord) -> Version:
    digest = edge.content.digest
    target = edge.name or edge.location.uri
    wanted = Reference(f"{target}@{digest}", target, digest=digest)
    try:
        return _found(recorder, wanted)
    except StoreError as error:  # the record is in the journal: the flow goes on, the store comes after
        log.warning("Lineage of %s waits for its store: %s", target, error)
        said = Said(edge.name, edge.type, edge.aliases, edge.metadata, edge.description)
        return replace(
            _unnumbered(target, edge.type, said), uri=edge.location.uri, digest=digest, size=edge.content.size
        )


def _unnumbered(name: str, type: str | None, said: Said) -> Version:  # noqa: A002
    return Version(
        id="",
        artifact="",
        name=name,
        number=-1,
        type=type or "file",
        uri=name,
        namespace="",
        digest="",
        covers="none",
        size=None,
        created_at=now(),
        metadata=said.metadata,
        description=said.description,
    )


def _found(recorder: Recorder | None, wanted: Reference) -> Version:
    if recorder is not None:
        return recorder.read(lambda store: store.version(wanted))
    with paused():
        return _reader(load().url).version(wanted.text)


@cache
def _reader(url: str) -> Lineage:
    """The store of a process that captures nothing; versions found in it can be asked on."""
    from prefect_lineage.api.lineage import Lineage

    lineage = Lineage(url, readonly=True)
    atexit.register(lineage.close)
    return lineage


def _no_run(target: object) -> str:
    shown = target if isinstance(target, (str, os.PathLike)) else f"<{target.__class__.__qualname__}>"
    return (
        f"log_artifact({str(shown)!r}): no run is active here; call it inside a flow, a task or "
        "`with prefect_lineage.run('name'):`, or say which run with run=…."
    )
