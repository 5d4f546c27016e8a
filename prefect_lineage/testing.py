"""What a plugin needs for its tests: run code in an attempt, without Prefect, and look at the edges.

    from prefect_lineage.testing import captured

    def test_a_book_is_read(tmp_path):
        with captured(fieldbook.lineage, root=tmp_path) as seen:
            fieldbook.read(tmp_path / "a.book")
        assert seen.lines == ["R a.book"]

It is the machinery of real runs up to the point where a record would be written to disk: nothing is stored,
no server is asked, and afterwards every patched object has been put back, which is asserted.
"""

from __future__ import annotations

import builtins
import inspect
import io
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from prefect_lineage.capture.context import current
from prefect_lineage.capture.identity import local_path
from prefect_lineage.capture.patching import is_left_alone
from prefect_lineage.capture.recorder import Recorder
from prefect_lineage.model.records import EdgeRecord, Record, RunRecord
from prefect_lineage.plugins import Plugins
from prefect_lineage.settings import Settings
from prefect_lineage.store.lines import Postponed

__all__ = ["Captured", "captured"]

_CAPTURE = str(Path(__file__).resolve().parent / "capture") + os.sep
_LETTERS = {"input": "R", "output": "W"}


@dataclass(slots=True)
class Captured:
    """What :func:`captured` saw; complete when its block has ended.

    Attributes:
        root: what :attr:`lines` are relative to.
        edges: what the attempt read and wrote, folded, in order.
        misses: what was seen and not understood, counted by reason.
        problems: what a plugin or one of its interceptors did wrong, by its name.
        watches: the calls that the plugins intercept, ``pandas.read_csv``.
    """

    root: Path
    edges: tuple[EdgeRecord, ...] = ()
    misses: dict[str, int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    watches: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """One line per edge: ``R in.csv`` for what was read, then ``W out.csv`` for what was written."""
        return sorted(map(self._line, self.edges))

    @property
    def vias(self) -> dict[str, str]:
        """The call that made each edge: ``{"R in.csv": "pandas.read_csv"}``."""
        return {self._line(edge): edge.via for edge in self.edges}

    def edge(self, line: str) -> EdgeRecord:
        """The edge that has this line in :attr:`lines`.

        Raises:
            AssertionError: there is none; the message shows those that there are.
        """
        for edge in self.edges:
            if self._line(edge) == line:
                return edge
        raise AssertionError(f"There is no edge {line!r} among {self.lines}.")

    def _line(self, edge: EdgeRecord) -> str:
        path = local_path(edge.location.uri)
        place = edge.location.uri if path is None else os.path.relpath(path, self.root)
        return f"{_LETTERS[edge.direction]} {edge.location.uri if place.startswith('..') else place}"


class _InMemory(Recorder):
    """A recorder whose journal is a list."""

    # without its guard: in a test, a fault of capture is to be seen
    _folded = inspect.unwrap(Recorder._folded)  # noqa: SLF001

    def __init__(self, settings: Settings, plugins: Plugins) -> None:
        super().__init__(settings, plugins)
        self.records: list[Record] = []

    def write(self, record: Record) -> None:
        self.records.append(record)
        for _ in self.plugins.each("lineage_after_run", record=record):
            pass

    def postpone(self, postponed: Postponed) -> None:
        """Nothing is lost: the block waits for what is postponed."""

    def settle(self, key: str, record: Record) -> None:
        del key
        self.write(record)


@contextmanager
def captured(
    *plugins: object,
    root: str | os.PathLike[str] | None = None,
    discover: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Captured]:
    """Run a block as one attempt of one run, and see what it read and wrote.

    A block that raises is a failed attempt: its edges are there (outputs are ``partial``), and the exception
    goes on.

    Args:
        plugins: modules or objects with hooks. Each is called by the last part of its module's name.
        root: paths in :attr:`Captured.lines` are relative to it; default: the working directory.
        discover: use the installed plugins too, as a real run does.
        settings: fields of :class:`prefect_lineage.settings.Settings`, for example ``{"hash_limit": 10}``.

    Raises:
        AssertionError: capture is on already, or something was not put back afterwards.
    """
    folder = Path(root or Path.cwd()).resolve()
    chosen = Settings(**{"root": folder, "journal_dir": _nowhere(), **(settings or {})})
    known = Plugins(chosen.disable, {_name(plugin): plugin for plugin in plugins}, discover=discover)
    watched = [one for _, found in known.each("lineage_interceptors") for one in found]
    places = _NET + [(interceptor.module, interceptor.name) for interceptor in watched]
    on = [".".join(place) for place in places if _is_ours(_found(place))]
    assert not on, f"Capture is on already; switch it off before captured(). Patched: {on}"  # noqa: S101
    before = {place: _found(place) for place in places}
    seen = Captured(folder, watches=tuple(interceptor.via for interceptor in watched))
    try:
        yield from _attempt(_InMemory(chosen, known), seen)
    finally:
        changed = [
            place for place in places if before[place] is not _found(place) and before[place] is not None
        ]
        assert not changed, f"captured() did not put these back: {changed}"  # noqa: S101 - what it is for
        left = _left_behind()
        assert not left, f"captured() left patches behind: {left}"  # noqa: S101


def _attempt(recorder: _InMemory, seen: Captured) -> Iterator[Captured]:
    run = RunRecord(str(uuid.uuid4()), kind="script", name="captured", job="captured", attempt=1)
    completed = False
    try:
        inspect.unwrap(Recorder.begin_run)(recorder, run)
        attempt, token = recorder.begin_attempt(run.id, 1, "captured")
        try:
            yield seen
            completed = True
        finally:
            current.reset(token)
            recorder.end_attempt(attempt, run, completed=completed)
            seen.misses = dict(attempt.misses)
    finally:
        recorder.close()
        seen.edges = tuple(edge for record in recorder.records for edge in record.edges)
        seen.problems = recorder.problems


def _nowhere() -> Path:
    """A path at which nothing is, for the journal that is never written."""
    return Path(tempfile.gettempdir()) / f"prefect-lineage-{uuid.uuid4().hex}"


def _name(plugin: object) -> str:
    name = getattr(plugin, "__name__", type(plugin).__name__)
    return str(name).rpartition(".")[2]


# -- everything is put back ------------------------------------------------------------------------

_Place = tuple[str, str]
# What the generic net patches, and the carrying of attempts into threads.
_NET: list[_Place] = [
    (builtins.__name__, "open"),
    (io.__name__, "open"),
    (io.__name__, "FileIO"),
    *((os.__name__, name) for name in ("open", "rename", "replace", "remove", "unlink")),
    ("threading", "Thread.start"),
    ("concurrent.futures", "ThreadPoolExecutor.submit"),
]


def _found(place: _Place) -> Any:
    """What is there now; None where the library is not loaded or has no such thing."""
    owner: Any = sys.modules.get(place[0])
    for part in place[1].split("."):
        if owner is None:
            return None
        owner = inspect.getattr_static(owner, part, None)
    return owner


def _left_behind() -> list[str]:
    """The names in loaded modules that are bound to a function of capture's."""
    return sorted(
        f"{module.__name__}.{name}"
        for module in list(sys.modules.values())
        if isinstance(module, ModuleType) and not module.__name__.startswith("prefect_lineage")
        if not is_left_alone(module.__name__)
        for name, value in list(vars(module).items())
        if type(value) is FunctionType and _is_ours(value)
    )


def _is_ours(value: object) -> bool:
    """Whether this is a function that capture put in the place of another."""
    code = getattr(value, "__code__", None)
    return code is not None and code.co_filename.startswith(_CAPTURE) and hasattr(value, "__wrapped__")
