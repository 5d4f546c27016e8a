"""A third party's plugin, really installed: what it knows is recorded, and it can be switched off by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "examples" / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plugin's distribution was installed by pip, away from this environment."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(PLUGIN, folder / "source")
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--no-index", "--target", target, source], check=True
    )
    return target


@pytest.fixture(scope="module")
def census(installed: Path, tmp_path_factory: pytest.TempPathFactory, place_at: Callable):
    """A place where the plugin is installed and its flow has run."""
    place = place_at(tmp_path_factory.mktemp("census"), path=str(installed))
    place.run("run", PLUGIN / "count.py")
    return place


def test_the_plugin_is_listed_as_active_with_what_it_watches(census) -> None:
    [plugin] = [plugin for plugin in census.asked("plugins") if plugin["name"] == "fieldbook"]
    assert plugin["active"]
    assert plugin["distribution"] == "fieldbook"
    assert plugin["watches"] == ["fieldbook.read", "fieldbook.write"]


def test_a_book_is_recorded_as_its_plugin_describes_it(census) -> None:
    book = census.asked("show", "data/penguins.book")
    assert [book["format"], book["type"], book["rows"]] == ["fieldbook", "dataset", 3]
    assert book["schema"] == [{"name": "species", "type": "text"}, {"name": "number", "type": "integer"}]


def test_the_edges_name_the_calls_of_the_library(census) -> None:
    graph = census.asked("downstream", "data/penguins.book")
    assert {edge["via"] for edge in graph["edges"] if edge["direction"] == "input"} == {"fieldbook.read"}
    graph = census.asked("upstream", "data/penguins.book")
    assert [(edge["direction"], edge["via"]) for edge in graph["edges"]] == [("output", "fieldbook.write")]


def test_switched_off_by_name_the_file_is_seen_but_not_understood(
    installed: Path, tmp_path: Path, place_at: Callable
) -> None:
    place = place_at(tmp_path, path=str(installed))
    place.run("run", PLUGIN / "count.py", PREFECT_LINEAGE_DISABLE="fieldbook")
    book = place.asked("show", "data/penguins.book")
    assert [book["format"], book["rows"]] == ["book", None]  # the suffix of its name
    assert [len(book["producers"]), len(book["consumers"])] == [1, 1]


def test_the_plugins_own_tests_pass_with_the_kit_for_plugins(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_fieldbook.py"],
        cwd=installed.parent / "source",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(installed), *sys.path]))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
