"""Patches are put on and taken off: afterwards everything is what it was, by identity."""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import pickle
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_lineage.capture.attempt import Access
from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.interception import Interceptors
from prefect_lineage.capture.net import Net
from prefect_lineage.capture.patching import Patches
from prefect_lineage.interceptors import Interceptor, reads
from prefect_lineage.testing import captured

PLACES = [(builtins, "open"), (io, "open"), (os, "open"), (os, "rename"), (os, "replace"), (os, "remove")]
PLACES += [(os, "unlink"), (shutil, "copy"), (shutil, "copyfile")]


def now() -> list[object]:
    return [getattr(owner, name) for owner, name in PLACES]


def interceptors() -> Interceptors:
    return Interceptors(lambda operation, target, via: Access(operation, target, via), lambda target: None)


WANTED = [("files", Interceptor("shutil", name, reads("src"))) for name in ("copy", "copyfile")]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(["net+", "net-", "calls+", "calls-"]), max_size=8))
def test_any_order_of_installing_and_removing_ends_where_it_began(steps: list[str]) -> None:
    before = now()
    net, calls = Net(Digester()), interceptors()
    for step in steps:
        {
            "net+": net.install,
            "net-": net.remove,
            "calls+": lambda: calls.install(WANTED),
            "calls-": calls.remove,
        }[step]()
    net.remove()
    calls.remove()
    assert all(one is other for one, other in zip(now(), before, strict=True))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(0, 3))
def test_the_second_call_of_either_does_nothing(installs: int, removes: int) -> None:
    before = now()
    net, calls, once = Net(Digester()), interceptors(), before
    for _ in range(installs):
        net.install()
        calls.install(WANTED)
        once = now()
    net.install()
    calls.install(WANTED)
    assert all(one is other for one, other in zip(now(), once, strict=True))
    for _ in range(removes + 1):
        net.remove()
        calls.remove()
    assert all(one is other for one, other in zip(now(), before, strict=True))


def test_outside_a_run_the_patches_do_nothing_but_look(tmp_path: Path) -> None:
    net = Net(Digester())
    net.install()
    try:
        (tmp_path / "a").write_text("x")
        os.rename(tmp_path / "a", tmp_path / "b")
        assert (tmp_path / "b").read_text() == "x"
        os.remove(tmp_path / "b")
    finally:
        net.remove()


def test_a_patched_function_looks_and_pickles_like_the_original() -> None:
    originals = {name: pickle.dumps(getattr(shutil, name)) for name in ("copy", "copyfile")}
    calls = interceptors()
    calls.install(WANTED)
    try:
        for name, dumped in originals.items():
            patched = getattr(shutil, name)
            assert (patched.__name__, patched.__module__) == (name, "shutil")
            assert patched.__doc__
            assert pickle.dumps(patched) == dumped  # by name: an unpatched process can load it
            assert pickle.loads(dumped) is patched
    finally:
        calls.remove()


def test_open_pickles_while_the_net_is_out(tmp_path: Path) -> None:
    net = Net(Digester())
    net.install()
    try:
        assert pickle.loads(pickle.dumps(open)) is open
        assert pickle.loads(pickle.dumps(os.replace)) is os.replace
    finally:
        net.remove()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module with a function, a class that has a method, one that inherits it, and an early binding."""
    found = ModuleType("patched_module")
    source = (
        "def read(): return 1\n"
        "bound = read\n"
        "class Base:\n    def method(self): return 1\n"
        "class Child(Base): pass\n"
    )
    exec(source, vars(found))
    monkeypatch.setitem(sys.modules, found.__name__, found)
    return found


def test_names_bound_early_are_rebound_and_put_back(module: Any) -> None:
    original, patches = module.read, Patches()
    patches.replace(module, "read", lambda: 2)
    assert module.bound() == 1
    patches.rebind()
    assert module.bound() == 2
    patches.restore()
    assert module.bound is module.read is original


def test_names_bound_while_patched_are_put_back_too(module: Any) -> None:
    original, patches = module.read, Patches()
    patches.replace(module, "read", lambda: 2)
    module.bound_late = module.read
    patches.restore()
    assert module.bound_late is original


def test_what_somebody_patched_over_us_stays(module: Any) -> None:
    patches = Patches()
    patches.replace(module, "read", lambda: 2)
    theirs = module.read = lambda: 3
    patches.restore()
    assert module.read is theirs


def test_an_inherited_method_is_inherited_again(module: Any) -> None:
    patches = Patches()
    patches.replace(module.Child, "method", lambda self: 2)
    assert module.Child().method() == 2
    patches.restore()
    assert "method" not in vars(module.Child)
    assert module.Child().method() == 1


def test_what_is_not_there_and_what_cannot_be_changed_is_an_error(module: Any) -> None:
    with pytest.raises(AttributeError):
        Patches().replace(module, "missing", lambda: 1)
    with pytest.raises(TypeError):
        Patches().replace(io.FileIO, "read", lambda: 1)


def test_restoring_what_was_never_patched_does_nothing() -> None:
    patches = Patches()
    assert not patches.installed
    patches.restore()
    assert not patches.installed


def test_capturing_twice_in_a_row_sees_the_same(tmp_path: Path) -> None:
    before = now()
    for _ in range(2):
        with captured(root=tmp_path) as seen:
            (tmp_path / "a").write_text("x")
        assert seen.lines == ["W a"]
    assert all(one is other for one, other in zip(now(), before, strict=True))


def test_a_lazy_module_is_not_executed_by_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "patching_lazy.py").write_text("raise ImportError('missing C library')")
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = importlib.util.find_spec("patching_lazy")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "patching_lazy", module)
    spec.loader.exec_module(module)
    patches = Patches()
    patches.replace(shutil, "copy", lambda src, dst: None)
    patches.rebind()
    patches.restore()
    with pytest.raises(ImportError):
        module.anything  # noqa: B018 - only now


def test_what_an_os_function_supports_its_replacement_supports() -> None:
    original, before = os.link, set(os.supports_dir_fd)
    patches = Patches()
    patches.replace(os, "link", lambda *args, **kwargs: original(*args, **kwargs))
    assert (os.link in os.supports_dir_fd) is (original in before)
    patches.restore()
    assert set(os.supports_dir_fd) == before


def test_a_default_that_a_library_compares_with_its_own_name_stays_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """fastparquet: ``default_open = open``, ``def __init__(self, fn, open_with=default_open)``, ``open_with is …``."""
    library: Any = ModuleType("comparing")
    source = (
        "default = open\ndef given(open_with=default, *, other=open): return open_with is default is other"
    )
    exec(compile(source, "/usr/lib/comparing.py", "exec"), vars(library))
    monkeypatch.setitem(sys.modules, "comparing", library)
    before = (library.given.__defaults__, library.given.__kwdefaults__)
    original = builtins.open
    patches = Patches()
    try:
        patches.replace(builtins, "open", lambda *args, **kwargs: original(*args, **kwargs))
        patches.rebind()
        assert library.default is builtins.open
        assert library.given()
    finally:
        patches.restore()
    assert library.default is original
    assert library.given()
    assert (library.given.__defaults__, library.given.__kwdefaults__) == before


def test_a_global_that_raises_when_it_is_looked_at_does_not_stop_the_rebinding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hostile:
        @property
        def __class__(self) -> type:
            raise RuntimeError("no application context")

    def original() -> int:
        return 1

    def replacement() -> int:
        return 2

    home, theirs = ModuleType("home"), ModuleType("theirs")
    home.function = original
    theirs.__file__ = str(tmp_path / "theirs.py")
    theirs.proxy, theirs.bound = Hostile(), original
    monkeypatch.setitem(sys.modules, "theirs", theirs)
    patches = Patches()
    patches.replace(home, "function", replacement)
    patches.rebind()
    assert theirs.bound is replacement
    patches.restore()
    assert theirs.bound is original


def test_a_method_of_a_compiled_class_is_watched_and_put_back(tmp_path: Path) -> None:
    fs = pytest.importorskip("pyarrow.fs", reason="pyarrow is not installed")
    (tmp_path / "in.csv").write_text("a")
    method, patches = vars(fs.FileSystem)["open_input_stream"], Patches()
    asked = []

    def replacement(*args: Any) -> Any:
        asked.append(args[1])
        return method(*args)

    local = fs.LocalFileSystem()
    local.open_input_stream(str(tmp_path / "in.csv")).close()
    patches.replace(fs.FileSystem, "open_input_stream", replacement)
    for one in (local, pickle.loads(pickle.dumps(local))):
        with one.open_input_stream(str(tmp_path / "in.csv")) as stream:
            assert stream.read() == b"a"
    patches.restore()
    local.open_input_stream(str(tmp_path / "in.csv")).close()
    assert asked == [str(tmp_path / "in.csv")] * 2
    assert vars(fs.FileSystem)["open_input_stream"] is method


@pytest.mark.parametrize(("owner", "name"), [(dict, "get"), (io.BytesIO, "read"), (str, "absent")])
def test_python_s_own_classes_are_never_changed(owner: type, name: str) -> None:
    before = dict(vars(owner))
    with pytest.raises((TypeError, AttributeError)):
        Patches().replace(owner, name, lambda *_: None)
    assert dict(vars(owner)) == before
