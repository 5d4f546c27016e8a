"""``db check``: a store that this package wrote is whole, and what is broken by hand is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from prefect_lineage.model.records import EdgeRecord
from prefect_lineage.store.engine import parse_url
from prefect_lineage.store.store import Store

_WAITS: dict[str, Any] = {"direction": "input", "how": "observed", "via": "cache"}


def _fill(url: str, make: Any) -> None:
    with Store.open(url) as store:
        store.apply(
            [
                make.run("p", make.write("/x", "aa", at=1, aliases=("best",), tokens=("result:k",))),
                make.run("p", make.write("/x", "bb", at=2, name="x"), make.read("/y", "cc", at=2)),
                make.run("q", EdgeRecord.referring("result:k", at=3, **_WAITS), parent="p"),
                make.run("q", EdgeRecord.referring("result:nobody", at=4, tokens=(), **_WAITS)),
            ]
        )


def _break(url: str, *statements: str) -> None:
    """Change rows as no release of ours does; foreign keys are not looked after."""
    engine = sa.create_engine(parse_url(url))
    off = (
        "PRAGMA foreign_keys=OFF"
        if engine.dialect.name == "sqlite"
        else "SET session_replication_role = replica"
    )
    with engine.connect() as connection:
        for statement in (off, *statements):
            connection.exec_driver_sql(statement)
        connection.commit()
    engine.dispose()


def test_a_store_is_whole(url: str, make: Any) -> None:
    Store.open(url).close()
    _fill(url, make)
    with Store.open(url, readonly=True) as store:
        checks, findings = store.check()
        assert findings == []
        assert checks > 30


@pytest.mark.parametrize(
    ("change", "check", "rows"),
    [
        ("DELETE FROM runs WHERE name = 'p-name'", "edges.run_id", 3),
        ("DELETE FROM runs WHERE name = 'p-name'", "runs.parent", 1),
        ("DELETE FROM versions WHERE id = 1", "edges.version_id", 2),
        ("DELETE FROM versions WHERE id = 1", "tokens.means", 1),
        ("DELETE FROM versions WHERE id = 1", "versions.numbers", 1),
        ("UPDATE artifacts SET next_number = 9 WHERE name = 'x'", "versions.numbers", 1),
        ("UPDATE versions SET number = 7 WHERE number = 1", "versions.numbers", 1),
        ("UPDATE aliases SET version_id = 3 WHERE alias = 'best'",
         "aliases.version_id", 1),
        ("DELETE FROM edges WHERE attempt < 0", "referrals.edges", 1),
        ("DELETE FROM referrals WHERE token = 'result:k'", "edges.referrals", 1),
        ("UPDATE edges SET times = 0 WHERE attempt > 0 AND direction = 0", "edges.values", 1),
        ("UPDATE history SET subject = 'artifact-999'", "history.subject", 2),
    ],
)  # fmt: skip
def test_what_is_broken_is_found(url: str, make: Any, change: str, check: str, rows: int) -> None:
    _fill(url, make)
    _break(url, change)
    with Store.open(url, readonly=True) as store:
        found = {finding.check: finding.rows for finding in store.check()[1]}
    assert found.get(check) == rows, found


def test_one_digest_twice_in_an_artifact_is_found(sqlite_url: str, tmp_path: Path, make: Any) -> None:
    _fill(sqlite_url, make)
    _break(
        sqlite_url,
        "CREATE TABLE twin AS SELECT * FROM versions",
        "UPDATE twin SET digest = (SELECT digest FROM versions WHERE id = 1) WHERE id = 2",
        "DROP TABLE versions",
        "ALTER TABLE twin RENAME TO versions",
    )
    with Store.open(sqlite_url, readonly=True) as store:
        found = {finding.check: finding for finding in store.check()[1]}
    assert found["versions.uq_versions_digest_artifact_id"].examples == ("blake3:aa 1",)


def test_a_damaged_file_is_found_and_is_exit_code_one(
    sqlite_url: str, tmp_path: Path, make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from prefect_lineage.cli.main import main

    with Store.open(sqlite_url) as store:
        store.apply([make.run(f"r{n}", make.write(f"/f{n}", f"{n:04x}" * 20, at=n + 1)) for n in range(300)])
    path = tmp_path / "lineage.db"
    page, pages = 4096, path.stat().st_size // 4096
    with path.open("r+b") as file:
        for number in range(pages // 2, pages - 2, 7):
            file.seek(number * page)
            file.write(b"\xff" * page)
    assert main(["db", "check", "--url", sqlite_url]) == 1
    printed = capsys.readouterr()
    assert "the file is damaged" in printed.out
    assert "Traceback" not in printed.out + printed.err
    assert main(["db", "check", "--url", sqlite_url, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["whole"] is False
    assert answer["findings"][0]["check"] == "integrity"


def test_rows_that_are_no_json_are_found(sqlite_url: str, make: Any) -> None:
    _fill(sqlite_url, make)
    _break(sqlite_url, "UPDATE runs SET details = '{broken' WHERE name = 'q-name'")
    with Store.open(sqlite_url, readonly=True) as store:
        (finding,) = store.check()[1]
    assert (finding.check, finding.examples) == ("runs.details", ("{broken",))
