"""The testing kit: what it promises to the authors of plugins."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from prefect_lineage import hookimpl
from prefect_lineage.capture.context import current
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage.testing import captured
from prefect_lineage_hooks import files


def test_nothing_is_recorded_outside_the_block(tmp_path: Path) -> None:
    (tmp_path / "before").write_text("x")
    with captured(root=tmp_path) as seen:
        assert current.get() is not None
        (tmp_path / "within").write_text("x")
    (tmp_path / "after").write_text("x")
    assert seen.lines == ["W within"]
    assert current.get() is None


def test_lines_are_relative_to_the_root_and_whole_outside_it(tmp_path: Path) -> None:
    (tmp_path / "root" / "deep").mkdir(parents=True)
    with captured(root=tmp_path / "root") as seen:
        (tmp_path / "root" / "deep" / "a").write_text("x")
        (tmp_path / "b").write_text("x")
    assert seen.lines == ["W deep/a", f"W file://{tmp_path.resolve()}/b"]


def test_an_edge_that_is_not_there_is_an_error_that_shows_those_that_are(tmp_path: Path) -> None:
    with captured(root=tmp_path) as seen:
        (tmp_path / "a").write_text("x")
    with pytest.raises(AssertionError, match="W a"):
        seen.edge("R a")


def test_originals_are_back_after_an_error_too(tmp_path: Path) -> None:
    before = (builtins.open, os.open, os.replace, os.remove, os.link)

    def fail() -> None:
        assert builtins.open is not before[0]
        raise KeyError("user")

    with pytest.raises(KeyError), captured(files, root=tmp_path):
        fail()
    assert before == (builtins.open, os.open, os.replace, os.remove, os.link)


def test_capturing_within_capturing_is_refused(tmp_path: Path) -> None:
    with (
        captured(root=tmp_path),
        pytest.raises(AssertionError, match="on already"),
        captured(root=tmp_path),
    ):
        pass


def test_something_that_is_not_put_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.replace
    try:
        with pytest.raises(AssertionError, match="put these back"), captured(root=tmp_path):
            os.replace = lambda *_: None  # type: ignore[assignment]
    finally:
        os.replace = original


def test_nothing_is_written_to_disk_by_the_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path)
    with captured() as seen:
        Path("a").write_text("x")
    assert seen.lines == ["W a"]
    assert os.listdir(tmp_path) == ["a"]


def test_settings_hold(tmp_path: Path) -> None:
    with captured(root=tmp_path, settings={"digest": "sha256", "namespace": "shop"}) as seen:
        (tmp_path / "a").write_text("x")
    [edge] = seen.edges
    assert edge.content.digest.startswith("sha256:")
    assert (edge.location.namespace, edge.location.key) == ("shop", "a")


def test_a_plugin_can_be_disabled_by_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with captured(root=tmp_path, discover=True, settings={"disable": ("files", "pandas", "joblib")}) as seen:
        os.link(tmp_path / "a", tmp_path / "b")
    assert seen.lines == []
    assert not {"os.link", "pandas.read_csv"} & set(seen.watches)


def test_a_fault_of_a_plugin_is_seen_in_its_test(tmp_path: Path) -> None:
    class Faulty:
        @hookimpl
        def lineage_interceptors(self) -> Iterable[Interceptor]:
            def claims(call: Call) -> Iterable[Claim]:
                return [Claim(call.args[5])]

            return [Interceptor("os", "link", claims)]

    (tmp_path / "a").write_text("x")
    with captured(Faulty(), root=tmp_path) as seen:
        os.link(tmp_path / "a", tmp_path / "b")
    assert "IndexError" in seen.problems["os.link"]


async def test_it_works_in_a_coroutine(tmp_path: Path) -> None:
    import asyncio

    with captured(root=tmp_path) as seen:
        await asyncio.sleep(0)
        await asyncio.to_thread((tmp_path / "a").write_text, "x")
    assert seen.lines == ["W a"]
