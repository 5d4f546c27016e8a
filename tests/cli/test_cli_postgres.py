"""The command line says the same of a store in PostgreSQL as of one in SQLite."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from postgres_server import PASSWORD

from prefect_lineage.store.engine import Database
from prefect_lineage.store.schema import metadata
from prefect_lineage.store.store import Store

COMMANDS = [
    ("ls",),
    ("ls", "versions"),
    ("ls", "runs", "--state", "failed"),
    ("ls", "runs", "--flow", "zo*"),
    ("ls", "versions", "split*"),
    ("ls", "artifacts", "--type", "model"),
    ("show", "model:candidate"),
    ("show", "model"),
    ("show", "split:v0"),
    ("show", "run:train-3"),
    ("upstream", "/data/report.json"),
    ("downstream", "/data/raw.csv", "--depth", "2"),
    ("db", "stats"),
]


@pytest.fixture
def zoo_in_postgres(postgres_url: str, zoo: Path, zoo_records: Any) -> str:
    with Store.open(postgres_url) as store:
        store.apply(zoo_records)
    return postgres_url


def _comparable(text: str) -> Any:
    answer = json.loads(text)
    if isinstance(answer, dict):
        answer = {key: value for key, value in answer.items() if key not in {"url", "bytes"}}
    return answer


def test_every_answer_is_that_of_sqlite(cli: Any, zoo_in_postgres: str) -> None:
    for command in COMMANDS:
        here, there = cli(*command, "--json"), cli(*command, "--json", "--url", zoo_in_postgres)
        assert (there.code, there.err) == (here.code, here.err), command
        assert _comparable(there.out) == _comparable(here.out), command


def test_a_map_of_it_is_written(cli: Any, home: Path, zoo_in_postgres: str) -> None:
    assert cli("map", "-o", "map.html", "--url", zoo_in_postgres).code == 0
    page = (home / "map.html").read_text()
    assert "candidate" in page
    assert PASSWORD not in page


def test_a_wrong_reference_is_one_sentence_there_too(cli: Any, zoo_in_postgres: str) -> None:
    answer = cli("show", "modle", "--url", zoo_in_postgres)
    assert (answer.code, "the nearest is model" in answer.sentence) == (2, True)


FLOW = """
from pathlib import Path
from prefect import flow, task

@task
def double():
    Path("doubled.txt").write_text(Path("raw.txt").read_text() * 2)

@flow
def numbers():
    double()

numbers()
"""


def test_a_real_flow_is_recorded_in_postgresql_and_its_password_nowhere(
    shell: Any, cli: Any, home: Path, postgres_url: str, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "raw.txt").write_text("12")
    (home / "flow.py").write_text(FLOW)
    monkeypatch.setenv("PREFECT_LINEAGE_URL", postgres_url)
    done = shell("run", "flow.py", PREFECT_API_URL=prefect_server)
    assert done.code == 0, done.err
    assert {version["name"] for version in cli("ls", "versions", "--json").json} == {"raw.txt", "doubled.txt"}
    nodes = cli("upstream", "doubled.txt", "--json").json["nodes"]
    assert [node["name"] for node in nodes if node["kind"] == "version"] == ["doubled.txt", "raw.txt"]
    assert list(home.glob("**/*.jsonl")) == []
    with closing(Database(postgres_url)) as database, database.reading() as connection:
        for table in metadata.sorted_tables:
            assert PASSWORD not in str(connection.execute(sa.select(table)).all())
