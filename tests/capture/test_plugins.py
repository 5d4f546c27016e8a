"""Plugins can be wrong in every way; flows do not notice, and users are told once."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage import hookimpl
from prefect_lineage.capture.interception import MAX_ERRORS as MAX_INTERCEPTOR_ERRORS
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor, reads, writes
from prefect_lineage.model.records import Location, Record
from prefect_lineage.plugins import MAX_ERRORS, Plugins
from prefect_lineage.testing import captured


class Watching:
    """A plugin that watches given calls."""

    def __init__(self, *interceptors: Interceptor) -> None:
        self.interceptors = interceptors

    @hookimpl
    def lineage_interceptors(self) -> Iterable[Interceptor]:
        return self.interceptors


LIBRARY = '''
"""A library of the test's own."""
from pathlib import Path

class Book:
    def __init__(self, path): self.path = path
    def save(self, path): Path(path).write_text("book")
    @classmethod
    def load(cls, path): Path(path).read_text(); return cls(path)
    @staticmethod
    def check(path): return len(Path(path).read_text())

class Novel(Book): pass

def read(path, times=1):
    return [Path(path).read_text() for _ in range(times)]

def write(path, text, mode="w"):
    with open(path, mode) as file: file.write(text)

def read_book(book): return Path(book.path).read_text()
'''


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A freshly imported ``booklib``, and ``in.book`` beside it."""
    (tmp_path / "booklib.py").write_text(LIBRARY)
    (tmp_path / "in.book").write_text("text")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "booklib", raising=False)
    import booklib  # type: ignore[import-not-found]

    yield booklib
    sys.modules.pop("booklib", None)


def test_a_watched_call_is_one_edge_with_its_name_format_and_type(library: Any, tmp_path: Path) -> None:
    told = reads(
        "path", format="book", type="dataset", describe=lambda call: Description(rows=len(call.result))
    )
    with captured(Watching(Interceptor("booklib", "read", told)), root=tmp_path) as seen:
        library.read(tmp_path / "in.book", times=3)
    assert seen.vias == {"R in.book": "booklib.read"}
    edge = seen.edge("R in.book")
    assert (edge.type, edge.content.format, edge.content.rows, edge.times) == ("dataset", "book", 3, 1)


def test_the_result_may_tell_the_type(library: Any, tmp_path: Path) -> None:
    told = reads("path", type="file", describe=lambda call: Description(type="novel"))
    with captured(Watching(Interceptor("booklib", "Book.load", told)), root=tmp_path) as seen:
        library.Novel.load(tmp_path / "in.book")
    assert seen.edge("R in.book").type == "novel"


@pytest.mark.parametrize(
    ("name", "call", "lines"),
    [
        ("Book.save", lambda lib, at: lib.Book("").save(at / "out"), ["W out"]),
        ("Novel.save", lambda lib, at: lib.Book("").save(at / "out"), ["W out"]),
        ("Book.load", lambda lib, at: lib.Novel.load(path=at / "in.book"), ["R in.book"]),
        ("Book.check", lambda lib, at: lib.Book.check(at / "in.book"), ["R in.book"]),
    ],
)
def test_methods_of_every_kind_are_watched(
    name: str, call: Callable[[Any, Path], object], lines: list[str], library: Any, tmp_path: Path
) -> None:
    claims = writes("path") if "save" in name else reads("path")
    with captured(Watching(Interceptor("booklib", name, claims)), root=tmp_path) as seen:
        call(library, tmp_path)
    assert seen.lines == lines
    assert list(seen.vias.values()) == [f"booklib.{name}"]


def test_the_mode_makes_a_write_an_append(library: Any, tmp_path: Path) -> None:
    plugin = Watching(Interceptor("booklib", "write", writes("path", mode="mode")))
    with captured(plugin, root=tmp_path) as seen:
        library.write(tmp_path / "in.book", "more", mode="a")
        library.write(tmp_path / "out.book", "more")
    assert seen.lines == ["R in.book", "W in.book", "W out.book"]


def test_a_library_that_is_imported_later_is_watched(library: Any, tmp_path: Path) -> None:
    del sys.modules["booklib"]
    with captured(Watching(Interceptor("booklib", "read", reads("path"))), root=tmp_path) as seen:
        import booklib

        booklib.read(tmp_path / "in.book")
    assert seen.vias == {"R in.book": "booklib.read"}
    assert not hasattr(booklib.read, "__wrapped__")


def test_a_name_bound_early_is_watched(library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "bound_early", library.read, raising=False)
    original = library.read
    with captured(Watching(Interceptor("booklib", "read", reads("path"))), root=tmp_path) as seen:
        globals()["bound_early"](tmp_path / "in.book")
    assert seen.vias == {"R in.book": "booklib.read"}
    assert globals()["bound_early"] is original


def test_an_object_is_found_by_a_location_hook(library: Any, tmp_path: Path) -> None:
    class Locating(Watching):
        @hookimpl
        def lineage_location(self, target: object) -> Location | None:
            return Location("books://shelf", "1", "books://shelf/1") if hasattr(target, "path") else None

    plugin = Locating(Interceptor("booklib", "read_book", reads("book")))
    with captured(plugin, root=tmp_path) as seen:
        library.read_book(library.Book(tmp_path / "in.book"))
    assert "R books://shelf/1" in seen.lines


def _raise(call: Call) -> Iterable[Claim]:
    raise RuntimeError("no idea")


def test_an_adapter_that_raises_never_reaches_the_user_and_the_file_is_seen_all_the_same(
    library: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with captured(Watching(Interceptor("booklib", "read", _raise)), root=tmp_path) as seen:
        assert library.read(tmp_path / "in.book") == ["text"]
        library.read(tmp_path / "in.book")
    assert seen.lines == ["R in.book"]
    assert "no idea" in seen.problems["booklib.read"]
    assert seen.misses == {"adapter failed: booklib.read": 2}
    assert caplog.text.count("booklib.read") == 1


def test_an_adapter_that_goes_on_raising_is_switched_off(library: Any, tmp_path: Path) -> None:
    asked = []

    def claims(call: Call) -> Iterable[Claim]:
        asked.append(call)
        raise RuntimeError("again")

    with captured(Watching(Interceptor("booklib", "read", claims)), root=tmp_path):
        for _ in range(MAX_INTERCEPTOR_ERRORS + 3):
            library.read(tmp_path / "in.book")
    assert len(asked) == MAX_INTERCEPTOR_ERRORS


def test_a_description_that_raises_leaves_the_edge(library: Any, tmp_path: Path) -> None:
    def describe(call: Call) -> Description:
        raise KeyError("rows")

    plugin = Watching(Interceptor("booklib", "read", reads("path", format="book", describe=describe)))
    with captured(plugin, root=tmp_path) as seen:
        library.read(tmp_path / "in.book")
    assert seen.vias == {"R in.book": "booklib.read"}
    assert seen.edge("R in.book").content.format == "book"


def test_the_users_own_error_is_the_users(library: Any, tmp_path: Path) -> None:
    with captured(Watching(Interceptor("booklib", "read", reads("path"))), root=tmp_path) as seen:
        for _ in range(MAX_INTERCEPTOR_ERRORS + 1):
            with pytest.raises(TypeError) as raised:
                library.read()
            assert raised.value.__context__ is None
            with pytest.raises(FileNotFoundError):
                library.read(tmp_path / "missing")
        library.read(tmp_path / "in.book")
    assert seen.vias == {"R in.book": "booklib.read"}
    assert not seen.problems


@pytest.mark.parametrize("optional", [False, True])
def test_a_call_that_the_library_does_not_have_is_told_unless_optional(
    optional: bool, library: Any, tmp_path: Path
) -> None:
    gone = Interceptor("booklib", "Book.gone", reads("path"), optional=optional)
    with captured(Watching(gone, Interceptor("booklib", "read", reads("path"))), root=tmp_path) as seen:
        library.read(tmp_path / "in.book")
    assert ("booklib.Book.gone" in seen.problems) is not optional
    assert seen.lines == ["R in.book"]


def test_a_plugin_whose_interceptors_raise_watches_nothing_and_the_others_do(
    library: Any, tmp_path: Path
) -> None:
    class Broken:
        @hookimpl
        def lineage_interceptors(self) -> Iterable[Interceptor]:
            raise RuntimeError("broken")

    good = Watching(Interceptor("booklib", "read", reads("path")))
    with captured(Broken(), good, root=tmp_path) as seen:
        library.read(tmp_path / "in.book")
    assert seen.vias == {"R in.book": "booklib.read"}
    assert "broken" in seen.problems["Broken"]


# -- the plugin manager -----------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install distributions that publish one plugin each: ``installed(name, source)``."""

    def install(name: str, source: str) -> None:
        module = f"plugin_{name}"
        (tmp_path / f"{module}.py").write_text(source)
        folder = tmp_path / f"{name}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (folder / "entry_points.txt").write_text(f"[prefect_lineage]\n{name} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    monkeypatch.syspath_prepend(str(tmp_path))
    return install


GOOD = """
from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Interceptor, reads

@hookimpl
def lineage_interceptors():
    return [Interceptor("json", "load", reads("fp"))]

@hookimpl
def lineage_noise(path):
    return path.endswith(".noise")
"""
MISSPELT = """
from prefect_lineage import hookimpl

@hookimpl
def lineage_interceptor():
    return []
"""
UNKNOWN_ARGUMENT = """
from prefect_lineage import hookimpl

@hookimpl
def lineage_noise(path, mood):
    return True
"""


def test_a_plugin_is_found_by_its_entry_point_and_reported(installed: Callable[..., None]) -> None:
    installed("good", GOOD)
    [report] = [found for found in Plugins().reports() if found.name == "good"]
    assert report.active
    assert (report.module, report.distribution, report.version) == ("plugin_good", "good", "1.2")
    assert report.hooks == ["lineage_interceptors", "lineage_noise"]
    assert report.watches == ["json.load"]
    assert report.reason is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('boom')", "boom"),
        ("import no_such_module", "no_such_module"),
        ("def broken(:", "could not be loaded"),
        (MISSPELT, "lineage_interceptor"),
        (UNKNOWN_ARGUMENT, "mood"),
    ],
)
def test_a_broken_plugin_is_told_and_the_others_live(
    source: str, reason: str, installed: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    installed("a_broken", source)
    installed("good", GOOD)
    plugins = Plugins()
    assert "good" in plugins.names()
    assert "a_broken" not in plugins.names()
    assert reason in plugins.problems["a_broken"]
    assert "a_broken" in caplog.text
    [report] = [found for found in plugins.reports() if found.name == "a_broken"]
    assert not report.active
    assert report.reason is not None
    assert ("good", True) in plugins.each("lineage_noise", path="x.noise", write=False)


def test_a_plugin_is_switched_off_by_name_without_being_imported(installed: Callable[..., None]) -> None:
    installed("good", GOOD)
    plugins = Plugins(["good"])
    assert "good" not in plugins.names()
    assert "plugin_good" not in sys.modules
    [report] = [found for found in plugins.reports() if found.name == "good"]
    assert not report.active
    assert "PREFECT_LINEAGE_DISABLE" in str(report.reason)


def test_the_shipped_hooks_are_found_like_anybodys() -> None:
    published = {
        point.name
        for distribution in distributions()
        for point in distribution.entry_points
        if point.group == "prefect_lineage"
    }
    if not published:
        pytest.skip("prefect-lineage is not installed here, so nothing is published")
    assert {"files", "joblib", "pandas"} <= set(Plugins().names())
    assert not set(Plugins(["pandas"]).names()) & {"pandas"}


class Raising:
    @hookimpl
    def lineage_noise(self, path: str) -> bool:
        raise ValueError(path)


class Answering:
    @hookimpl
    def lineage_noise(self, path: str, write: bool) -> bool | None:
        return write or None


def test_one_that_raises_does_not_silence_the_others(caplog: pytest.LogCaptureFixture) -> None:
    plugins = Plugins(extra={"one": Answering(), "two": Raising(), "three": Answering()}, discover=False)
    for _ in range(MAX_ERRORS + 2):
        failed: list[str] = []
        found = list(plugins.each("lineage_noise", failed, path="x", write=True))
        assert sorted(found) == [("one", True), ("three", True)]
        assert failed == ["two"]
    assert caplog.text.count("'two' raised") == 1
    assert "ValueError" in plugins.problems["two"]


def test_one_that_goes_on_raising_is_not_called_again() -> None:
    calls = []

    class Counting:
        @hookimpl
        def lineage_noise(self, path: str) -> bool:
            calls.append(path)
            raise ValueError(path)

    plugins = Plugins(extra={"counting": Counting()}, discover=False)
    for _ in range(MAX_ERRORS + 5):
        list(plugins.each("lineage_noise", path="x", write=True))
    assert len(calls) == MAX_ERRORS


def test_no_answer_is_none() -> None:
    plugins = Plugins(extra={"one": Answering()}, discover=False)
    assert plugins.first("lineage_noise", path="x", write=False) is None
    assert plugins.first("lineage_noise", path="x", write=True) is True
    assert plugins.implements("lineage_noise")
    assert not plugins.implements("lineage_redaction")


def test_an_observer_sees_the_record_and_may_break(tmp_path: Path) -> None:
    records: list[Record] = []

    class Observing:
        @hookimpl
        def lineage_after_run(self, record: Record) -> None:
            records.append(record)
            raise RuntimeError("broken observer")

    with captured(Observing(), root=tmp_path) as seen:
        (tmp_path / "a").write_text("x")
    assert seen.lines == ["W a"]
    assert [edge.direction for edge in records[-1].edges] == ["output"]
    assert Record.from_dict(json.loads(json.dumps(records[-1].to_dict()))) == records[-1]


def test_a_noise_hook_drops_a_path(tmp_path: Path) -> None:
    class Quiet:
        @hookimpl
        def lineage_noise(self, path: str) -> bool:
            return path.endswith(".quiet")

    with captured(Quiet(), root=tmp_path) as seen:
        (tmp_path / "a.quiet").write_text("x")
        (tmp_path / "a.loud").write_text("x")
    assert seen.lines == ["W a.loud"]


def test_loading_plugins_is_silent_when_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert Plugins(extra={"one": Answering()}, discover=False).names() == ["one"]
    assert caplog.text == ""
