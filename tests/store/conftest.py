"""Records in few words, and stores to put them into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefect_lineage.model.records import Content, EdgeRecord, Location, Record, RunRecord
from prefect_lineage.store.store import Store


class Make:
    """Builds records: ``make.run("r1", make.read("x.csv", "aa"), make.write("y.csv", "bb"))``."""

    def location(self, key: str, namespace: str = "file://here") -> Location:
        uri = f"file://{key}" if namespace.startswith("file:") else f"{namespace}/{key}"
        return Location(namespace, key, uri)

    def edge(self, key: str, digest: str, direction: Any, **rest: Any) -> EdgeRecord:
        content = {
            name: rest.pop(name)
            for name in ("rows", "size", "format", "schema", "raced", "covers")
            if name in rest
        }
        place = self.location(key, rest.pop("namespace", "file://here"))
        given = {"how": "observed", "via": "open", **rest}
        return EdgeRecord(place, Content(f"blake3:{digest}", **content), direction, **given)

    def read(self, key: str, digest: str, **rest: Any) -> EdgeRecord:
        return self.edge(key, digest, "input", **rest)

    def write(self, key: str, digest: str, **rest: Any) -> EdgeRecord:
        return self.edge(key, digest, "output", **rest)

    def run(self, run_id: str, *edges: EdgeRecord, attempt: int = 1, **rest: Any) -> Record:
        given = {"kind": "task", "name": f"{run_id}-name", "job": "flow.task", "flow": "flow", **rest}
        return Record(RunRecord(run_id, **given), attempt, edges)


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """For what is about files."""
    return f"sqlite:///{tmp_path / 'lineage.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened
