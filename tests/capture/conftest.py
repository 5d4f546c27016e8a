"""Flows that really run, and what was recorded of them."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import prefect_lineage
from prefect_lineage import Lineage
from prefect_lineage.model.entities import Graph, Run, Version


class Recorded:
    """What a store says of the flows that a test has run.

    An edge reads ``job -> name:v0`` or ``name:v0 -> job``, files by their path below the test's directory.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def graph(self) -> Graph:
        with Lineage(self.url, readonly=True) as lineage:
            return lineage.graph()

    def edges(self, *, values: bool = False) -> list[str]:
        graph = self.graph()
        names = {version.id: str(version) for version in graph.versions}
        jobs = {run.id: run.job for run in graph.runs}
        kept = [edge for edge in graph.edges if values or not names[edge.version].startswith(VALUE_MARKS)]
        return sorted(f"{(names | jobs)[edge.tail]} -> {(names | jobs)[edge.head]}" for edge in kept)

    def runs(self) -> list[Run]:
        self.graph()
        with Lineage(self.url, readonly=True) as lineage:
            return lineage.runs()

    def run(self, job: str) -> Run:
        (found,) = [run for run in self.runs() if run.job == job]
        return found

    def version(self, name: str) -> Version:
        (found,) = [version for version in self.graph().versions if str(version) == name]
        return found


VALUE_MARKS = tuple(f"{flow}." for flow in ("pipe", "outer", "inner"))
"""How un-named values of the flows in these tests begin: ``pipe.extract():v0``."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory whose store, journal and root are its own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("PREFECT_LINEAGE_URL", f"sqlite:///{tmp_path / 'lineage.db'}")
    monkeypatch.setenv("PREFECT_LINEAGE_JOURNAL_DIR", str(tmp_path / "journal"))
    monkeypatch.setenv("PREFECT_LINEAGE_ROOT", str(work))
    return work


@pytest.fixture
def store(place: Path) -> Recorded:
    """What the processes have recorded that a test starts in its place."""
    return Recorded(place, os.environ["PREFECT_LINEAGE_URL"])


@pytest.fixture
def recorded(place: Path, prefect_server: str) -> Iterator[Recorded]:
    """Capture is on, as by ``prefect_lineage.enable()``; afterwards everything is as it was."""
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOCAL_STORAGE_PATH,
        temporary_settings,
    )

    settings = {
        PREFECT_API_URL: prefect_server,
        PREFECT_LOCAL_STORAGE_PATH: place.parent / "results",
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # its thread keeps every sync flow alive for a second
    }
    before = (builtins.open, os.open, os.replace, os.remove)
    with temporary_settings(settings):
        prefect_lineage.enable()
        try:
            yield Recorded(place, os.environ["PREFECT_LINEAGE_URL"])
        finally:
            prefect_lineage.disable()
    assert (builtins.open, os.open, os.replace, os.remove) == before
