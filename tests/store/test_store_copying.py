"""A store that was copied answers as the one that it was copied from."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from answers import all_answers, all_rows

import prefect_lineage.store.copying as copying
from prefect_lineage.errors import StoreError
from prefect_lineage.model.records import EdgeRecord, Record
from prefect_lineage.store.store import Store

_SAID: dict[str, Any] = {"how": "observed", "via": "cache"}


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite"])
def urls(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_postgres_url: str, postgres_url: str
) -> tuple[str, str]:
    """A store to be filled, and where to copy it."""
    if request.param == "sqlite to postgresql":
        return f"sqlite:///{tmp_path}/old.db", fresh_postgres_url
    return postgres_url, f"sqlite:///{tmp_path}/new.db"


def _records(make: Any) -> list[Record]:
    """Names, aliases, metadata, referrals that wait and that are met, parents that come late."""
    waits = EdgeRecord.referring("run:nobody:x", direction="input", at=7, **_SAID)
    said = EdgeRecord.referring("result:k", direction="input", at=8, **_SAID)
    return [
        make.run("child", make.read("/x", "a0", at=1), parent="later", flow_run="later"),
        make.run(
            "p",
            make.write("/y", "b0", at=2, name="y", aliases=("best",), metadata={"k": 1, "ü": [1.5, None]}),
        ),
        make.run(
            "q",
            make.write("/y", "b1", at=3, aliases=("best",), description="ünï\u2028", schema=(("a", "int"),)),
        ),
        make.run(
            "p",
            make.write("/z", "c0", at=4, tokens=("result:k",)),
            state="Completed",
            started_at=3,
            ended_at=9,
        ),
        make.run("u", said, waits, make.write("/w", "d0", at=9, partial=True), details={"tags": ["nightly"]}),
        make.run("later", kind="flow", job="flow1"),
    ]


def _fill(url: str, make: Any) -> None:
    with Store.open(url) as store:
        for record in _records(make):
            store.apply([record], journal="j", position=store.position("j") + 10)


def _copy(source: str, target: str) -> copying.CopyReport:
    with Store.open(source, readonly=True) as store:
        return store.copy_to(target)


def test_every_row_and_every_answer_is_the_same_there_and_back(
    urls: tuple[str, str], tmp_path: Path, make: Any
) -> None:
    source, target = urls
    _fill(source, make)
    report = _copy(source, target)
    back = f"sqlite:///{tmp_path}/back.db"
    _copy(target, back)
    rows = all_rows(source)
    assert rows == all_rows(target) == all_rows(back)
    assert report.rows == {name: len(found) for name, found in rows.items()}
    with Store.open(source) as one, Store.open(target) as other:
        assert other.check()[1] == []
        # It goes on as the first one would have: numbers, ids and the positions of journals included.
        news = make.run("n", make.write("/y", "b2", at=20), make.write("/new", "e0", at=21))
        for store in (one, other):
            store.apply([make.run("gone")], journal="j", position=60)
            store.apply([news])
        assert all_answers(one) == all_answers(other)


def test_a_copy_that_was_interrupted_is_no_store_and_is_finished(
    urls: tuple[str, str], make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = urls
    _fill(source, make)
    monkeypatch.setattr(copying, "PAGE", 1)
    left = 0

    def stop(table: str, done: int, total: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    for left in (2, 12, 25):  # noqa: B007 - told to stop()
        with Store.open(source, readonly=True) as store, pytest.raises(KeyboardInterrupt):
            store.copy_to(target, stop)
        for readonly in (True, False):
            with pytest.raises(StoreError, match="not finished"):
                Store.open(target, readonly=readonly)
    report = _copy(source, target)
    assert report.found > 0
    assert not report.restarted
    assert all_rows(source) == all_rows(target)


def test_a_store_that_changed_meanwhile_is_copied_anew(urls: tuple[str, str], make: Any) -> None:
    source, target = urls
    _fill(source, make)

    def stop(table: str, done: int, total: int) -> None:
        if table == "edges" and done == total:
            raise KeyboardInterrupt

    with Store.open(source) as store, pytest.raises(KeyboardInterrupt):
        store.copy_to(target, stop)
    with Store.open(source) as store:
        store.apply([make.run("p", state="Failed")])
    assert _copy(source, target).restarted
    assert all_rows(source) == all_rows(target)


def test_a_store_that_holds_lineage_and_a_copy_of_another_are_left_alone(
    urls: tuple[str, str], tmp_path: Path, make: Any
) -> None:
    source, target = urls
    other = f"sqlite:///{tmp_path}/other.db"
    for url in (source, other):
        _fill(url, make)

    before = all_rows(source), all_rows(other)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with Store.open(source) as store, pytest.raises(KeyboardInterrupt):
        store.copy_to(target, stop)
    with pytest.raises(StoreError, match="unfinished copy of another store"):
        _copy(other, target)
    with pytest.raises(StoreError, match="holds lineage of its own"):
        _copy(source, other)
    with pytest.raises(StoreError, match="onto itself"):
        _copy(source, source)
    assert (all_rows(source), all_rows(other)) == before


def test_an_empty_store_may_be_copied_to(urls: tuple[str, str], make: Any) -> None:
    source, target = urls
    _fill(source, make)
    Store.open(target).close()
    assert _copy(source, target).found == 0
    assert all_rows(source) == all_rows(target)


def test_a_copy_survives_being_killed(fresh_postgres_url: str, tmp_path: Path, make: Any) -> None:
    source = f"sqlite:///{tmp_path}/old.db"
    with Store.open(source) as store:
        for batch in range(0, 3000, 500):
            numbers = range(batch, batch + 500)
            store.apply([make.run(f"r{n}", make.write(f"/f{n % 50}", f"{n:04x}", at=n + 1)) for n in numbers])
    code = (
        "import sys, prefect_lineage.store.copying as copying\n"
        "from prefect_lineage.store.store import Store\n"
        "copying.PAGE = 100\n"
        "def tell(table, done, total):\n"
        "    print(table, done, flush=True)\n"
        "Store.open(sys.argv[1], readonly=True).copy_to(sys.argv[2], tell)\n"
    )
    for kill_at in ("versions 300", "edges 1100"):
        process = subprocess.Popen(
            [sys.executable, "-c", code, source, fresh_postgres_url], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process.stdout:
            assert kill_at in (line.strip() for line in process.stdout)
            process.kill()
        process.wait()
        time.sleep(0.1)  # the server learns of it
    assert _copy(source, fresh_postgres_url).found > 3000
    assert all_rows(source) == all_rows(fresh_postgres_url)


def test_the_command_line_copies_and_checks(
    tmp_path: Path, fresh_postgres_url: str, make: Any, capfd: Any
) -> None:
    from postgres_server import PASSWORD

    from prefect_lineage.cli.main import main

    _fill(f"sqlite:///{tmp_path}/old.db", make)
    assert main(["db", "copy", fresh_postgres_url, "--url", f"{tmp_path}/old.db", "--json"]) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)["rows"]["artifacts"] == 4
    assert PASSWORD not in printed.out + printed.err
    assert main(["db", "check", "--url", fresh_postgres_url]) == 0
    assert "is whole" in capfd.readouterr().out
    assert main(["db", "copy", fresh_postgres_url, "--url", f"{tmp_path}/old.db"]) == 2
    printed = capfd.readouterr()
    assert (printed.out, "holds lineage of its own" in printed.err) == ("", True)
    assert PASSWORD not in printed.err
