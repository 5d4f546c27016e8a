"""What an interceptor can say of a call: before it, after it, of lazy things, of classes that cannot be changed."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Description, Interceptor, Notes, reads, writes
from prefect_lineage.plugins import Plugins
from prefect_lineage.testing import captured

SOURCE = """
import sys, warnings
from pathlib import Path

class Lazy:
    def __init__(self, path):
        self.path = path

def scan(path):
    return Lazy(path)

def collect(lazy):
    return Path(lazy.path).read_text()

def by_name(name):
    frame = sys._getframe(1)
    return frame.f_locals[name] if name in frame.f_locals else frame.f_globals[name]

def warn(path):
    warnings.warn("old", DeprecationWarning, stacklevel=2)

async def aread(path):
    return Path(path).read_text()

def save(text):
    path = Path(FOLDER) / f"{text}.out"
    path.write_text(text)
    return path

class Store:
    def __init__(self, path):
        self.path = path
    @property
    def text(self):
        return Path(self.path).read_text()
"""


@pytest.fixture
def lazylib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = ModuleType("lazylib")
    exec(compile(SOURCE, "/usr/lib/lazylib.py", "exec"), vars(module))
    module.FOLDER = str(tmp_path)
    for kind in ("Lazy", "Store"):
        getattr(module, kind).__module__ = "lazylib"
    monkeypatch.setitem(sys.modules, "lazylib", module)
    (tmp_path / "in.txt").write_text("x")
    return module


class Watching:
    def __init__(self, *interceptors: Interceptor) -> None:
        self._interceptors = interceptors

    @hookimpl
    def lineage_interceptors(self) -> Iterable[Interceptor]:
        return self._interceptors


def _lazily() -> Watching:
    """An adapter of a lazy library: what is scanned is noted, and claimed where it is collected."""
    sources: Notes[str] = Notes()

    def scanned(call: Call) -> Iterable[Claim]:
        sources.put(call.result, call["path"])
        return []

    def collected(call: Call) -> Iterable[Claim]:
        found = sources.get(call["lazy"])
        return [Claim(found)] if found is not None else []

    return Watching(
        Interceptor("lazylib", "scan", after=scanned, outside=True),
        Interceptor("lazylib", "collect", collected),
    )


def test_what_is_lazy_is_an_input_where_it_is_collected(lazylib: Any, tmp_path: Path) -> None:
    with captured(_lazily(), root=tmp_path) as seen:
        lazy = lazylib.scan(tmp_path / "in.txt")
        lazylib.scan(tmp_path / "never.txt")
        lazylib.collect(lazy)
    assert seen.vias == {"R in.txt": "lazylib.collect"}
    assert not seen.problems


def test_what_was_scanned_outside_any_run_is_known_within_one(lazylib: Any, tmp_path: Path) -> None:
    from prefect_lineage.capture.context import current

    with captured(_lazily(), root=tmp_path) as seen:
        token = current.set(None)
        lazy = lazylib.scan(tmp_path / "in.txt")
        current.reset(token)
        lazylib.collect(lazy)
    assert seen.vias == {"R in.txt": "lazylib.collect"}


def test_notes_live_as_long_as_their_objects() -> None:
    notes: Notes[int] = Notes()
    thing = {1, 2}
    notes.put(thing, 3)
    assert notes.get(thing) == 3
    assert notes.get({1, 2}) is None
    del thing
    assert len(notes) == 0
    notes.put(7, 1)  # a number is nothing that could be referred to weakly
    assert notes.get(7) is None


def test_what_only_the_result_tells_absorbs_the_opens_below_it(lazylib: Any, tmp_path: Path) -> None:
    saved = Interceptor("lazylib", "save", after=lambda call: [Claim(call.result, "write", "out")])
    with captured(Watching(saved), root=tmp_path) as seen:
        lazylib.save("a")
    assert seen.vias == {"W a.out": "lazylib.save"}
    assert seen.edge("W a.out").times == 1


def test_a_result_that_claims_nothing_leaves_the_opens_to_the_claim_around_it(
    lazylib: Any, tmp_path: Path
) -> None:
    lazylib.load = lambda path: lazylib.collect(lazylib.Lazy(path))
    outer = Interceptor("lazylib", "load", lambda call: [Claim(call.args[0])])
    inner = Interceptor("lazylib", "collect", after=lambda call: [])
    with captured(Watching(outer, inner), root=tmp_path) as seen:
        lazylib.load(tmp_path / "in.txt")
    assert seen.vias == {"R in.txt": "lazylib.load"}
    assert seen.edge("R in.txt").times == 1


def test_an_after_that_raises_is_told_and_leaves_the_opens(lazylib: Any, tmp_path: Path) -> None:
    def after(call: Call) -> Iterable[Claim]:
        raise RuntimeError("broken")

    with captured(Watching(Interceptor("lazylib", "collect", after=after)), root=tmp_path) as seen:
        assert lazylib.collect(lazylib.Lazy(tmp_path / "in.txt")) == "x"
    assert seen.lines == ["R in.txt"]
    assert "broken" in seen.problems["lazylib.collect"]
    assert seen.misses == {"adapter failed: lazylib.collect": 1}


NAMED_GLOBALLY = object()


def test_a_function_that_looks_into_its_callers_frame_finds_the_users(lazylib: Any, tmp_path: Path) -> None:
    from prefect_lineage.capture.context import current

    watched = Interceptor("lazylib", "by_name", lambda call: [Claim("mem://x/y")], in_caller=True)
    my_frame = object()
    with captured(Watching(watched), root=tmp_path) as seen:
        assert lazylib.by_name("my_frame") is my_frame
        assert lazylib.by_name("NAMED_GLOBALLY") is NAMED_GLOBALLY
        with pytest.raises(KeyError):
            lazylib.by_name("no_such_name")
        token = current.set(None)
        assert lazylib.by_name(name="my_frame") is my_frame
        current.reset(token)
    assert seen.lines == ["R mem://x/y"]


def test_a_warning_blames_the_users_line(lazylib: Any, tmp_path: Path) -> None:
    watched = Interceptor("lazylib", "warn", reads("path"))
    with (
        captured(Watching(watched), root=tmp_path),
        warnings.catch_warnings(record=True) as told,
    ):
        warnings.simplefilter("always")
        lazylib.warn(tmp_path / "in.txt")
    assert [warning.filename for warning in told] == [__file__]


def test_a_coroutine_is_one_read_however_long_it_takes(lazylib: Any, tmp_path: Path) -> None:
    watched = Interceptor(
        "lazylib", "aread", reads("path", describe=lambda call: Description(rows=len(call.result)))
    )
    with captured(Watching(watched), root=tmp_path) as seen:
        assert asyncio.run(lazylib.aread(tmp_path / "in.txt")) == "x"
    assert seen.vias == {"R in.txt": "lazylib.aread"}
    assert seen.edge("R in.txt").content.rows == 1


def test_a_property_is_watched_and_put_back(lazylib: Any, tmp_path: Path) -> None:
    original = vars(lazylib.Store)["text"]
    watched = Interceptor("lazylib", "Store.text", lambda call: [Claim(call.args[0].path)])
    with captured(Watching(watched), root=tmp_path) as seen:
        assert lazylib.Store(tmp_path / "in.txt").text == "x"
    assert seen.vias == {"R in.txt": "lazylib.Store.text"}
    assert vars(lazylib.Store)["text"] is original


def test_a_class_is_watched_where_it_is_called_and_stays_a_class(lazylib: Any, tmp_path: Path) -> None:
    store = lazylib.Store
    with captured(Watching(Interceptor("lazylib", "Store", reads("path"))), root=tmp_path) as seen:
        made = lazylib.Store(tmp_path / "in.txt")
        assert lazylib.Store is store
        assert type(made) is store
    assert seen.vias == {"R in.txt": "lazylib.Store"}


def test_a_class_of_compiled_code_has_a_stand_in_that_is_told_from_it_by_nobody(tmp_path: Path) -> None:
    original = sqlite3.Connection
    watched = Interceptor("sqlite3", "Connection", lambda call: [Claim(call.args[0], "open")])
    with captured(Watching(watched), root=tmp_path) as seen:
        made = sqlite3.Connection(tmp_path / "made.db")
        made.execute("create table t (a)")
        assert sqlite3.Connection is not original
        assert type(made) is original
        assert isinstance(made, sqlite3.Connection)
        assert issubclass(original, sqlite3.Connection)
        assert not issubclass(int, sqlite3.Connection)
        assert sqlite3.Connection == original
        assert {original: 1}[sqlite3.Connection] == 1

        class Own(sqlite3.Connection):
            pass

        own = Own(":memory:")
        assert isinstance(own, Own)
        assert isinstance(own, original)
        assert not isinstance(made, Own)
        own.close()
        made.close()
    assert sqlite3.Connection is original
    assert seen.vias == {"W made.db": "sqlite3.Connection"}


def test_a_database_that_was_opened_is_an_input_and_an_output_only_if_it_changed(tmp_path: Path) -> None:
    for name in ("read.db", "changed.db"):
        with sqlite3.connect(tmp_path / name) as made:
            made.execute("create table t (a)")
        made.close()
    opened = Interceptor("sqlite3", "connect", lambda call: [Claim(call.args[0], "open")])
    with captured(Watching(opened), root=tmp_path) as seen:
        for name in ("read.db", "changed.db", "new.db", "scratch.db"):
            connection = sqlite3.connect(tmp_path / name)
            if name == "read.db":
                connection.execute("select * from t").fetchall()
            else:
                connection.execute("create table if not exists t (a)")
                connection.execute("insert into t values (1)")
            connection.commit()
            connection.close()
        (tmp_path / "scratch.db").unlink()
    assert seen.lines == ["R changed.db", "R read.db", "W changed.db", "W new.db"]
    assert seen.edge("R changed.db").content.digest != seen.edge("W changed.db").content.digest


def test_the_version_that_a_keeper_of_data_tells_is_the_digest(lazylib: Any, tmp_path: Path) -> None:
    told = Interceptor("lazylib", "scan", reads("path", describe=lambda call: Description(version="etag-7")))
    with captured(Watching(told), root=tmp_path) as seen:
        lazylib.scan("mem://bucket/key")
    content = seen.edge("R mem://bucket/key").content
    assert (content.digest, content.covers) == ("version:etag-7", "version")


@pytest.mark.parametrize("write", ["delete", "write"])
def test_what_a_call_deleted_is_gone_and_is_no_output(write: str, lazylib: Any, tmp_path: Path) -> None:
    lazylib.drop = lambda path: Path(path).unlink()
    operation: Any = write
    watched = Interceptor("lazylib", "drop", lambda call: [Claim(call.args[0], operation)])
    with captured(Watching(watched), root=tmp_path) as seen:
        lazylib.drop(tmp_path / "in.txt")
    assert seen.lines == []


# -- releases of the library ---------------------------------------------------------------------------


def test_a_release_outside_the_tested_range_is_left_to_the_generic_net_and_told(tmp_path: Path) -> None:
    import pluggy

    (tmp_path / "in.txt").write_text("x")
    known = Interceptor("pluggy", "PluginManager", optional=True, tested=">=1")
    unknown = Interceptor("json", "load", reads("fp"), tested="<1", distribution="pluggy")
    strange = Interceptor("json", "dump", writes("fp"), tested="one or two", distribution="pluggy")
    plugin = Watching(known, unknown, strange)
    with captured(plugin, root=tmp_path) as seen:
        (tmp_path / "in.txt").read_text()
    assert pluggy.__version__ in seen.problems["json"] or "no range" in seen.problems["json"]
    assert seen.lines == ["R in.txt"]
    [report] = Plugins(extra={"odd": plugin}, discover=False).reports()
    assert report.active
    assert "outside the tested range <1" in str(report.reason)
    assert "'one or two' is no range" in str(report.reason)
    assert report.watches == ["pluggy.PluginManager"]
