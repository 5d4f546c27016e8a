"""What a reader sees while others write, and what a store says when its driver or its server is not there."""

from __future__ import annotations

import importlib.util
import socket
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from postgres_server import PASSWORD

from prefect_lineage.errors import StoreError, StoreForeign, StoreMissing
from prefect_lineage.store.engine import Database, parse_url
from prefect_lineage.store.schema import runs
from prefect_lineage.store.store import Store


def test_a_reader_sees_one_state_of_the_store_while_others_write(url: str, make) -> None:
    count = sa.select(sa.func.count()).select_from(runs)
    with Store.open(url) as store:
        store.apply([make.run("one")])
        database = Database(url)
        with database.reading() as connection:
            assert connection.execute(count).scalar() == 1
            store.apply([make.run("two")])
            assert connection.execute(count).scalar() == 1
        with database.reading() as connection:
            assert connection.execute(count).scalar() == 2
        database.close()


def _uninstalled(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in names else find(name, *rest)
    )


@pytest.mark.parametrize(
    ("url", "missing"),
    [
        ("postgresql://host/db", ("psycopg", "psycopg2", "pg8000")),
        ("postgresql+pg8000://host/db", ("pg8000",)),
    ],
)
def test_a_driver_that_is_not_installed_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, url: str, missing: Any
) -> None:
    _uninstalled(monkeypatch, *missing)
    with pytest.raises(
        StoreError, match=r"not installed: pip install 'prefect-lineage\[postgres\]'"
    ) as caught:
        Store.open(url)
    assert "\n" not in str(caught.value)


def test_both_spellings_of_postgresql_are_read(fresh_postgres_url: str) -> None:
    assert parse_url(fresh_postgres_url.replace("postgresql:", "postgres:")) == parse_url(fresh_postgres_url)


def test_a_server_that_is_away_and_a_wrong_database_are_one_sentence_without_the_password(
    postgres_url: str,
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"postgresql://lineage:{PASSWORD}@127.0.0.1:{closed.getsockname()[1]}/x"
        for url in (nowhere, postgres_url.rpartition("/")[0] + "/surely_missing"):
            with pytest.raises(StoreError, match="cannot be used") as caught:
                Store.open(url)
            assert PASSWORD not in str(caught.value)
            assert "\n" not in str(caught.value)


def test_an_empty_database_read_only_is_a_missing_store_and_stays_empty(fresh_postgres_url: str) -> None:
    with pytest.raises(StoreMissing, match="nothing was recorded"):
        Store.open(fresh_postgres_url, readonly=True)
    with closing(Database(fresh_postgres_url)) as database, database.reading() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_somebody_elses_postgresql_is_foreign(postgres: Any, fresh_postgres_url: str) -> None:
    postgres.execute("CREATE TABLE users (id INTEGER)", fresh_postgres_url.rpartition("/")[2])
    with pytest.raises(StoreForeign, match="no lineage"):
        Store.open(fresh_postgres_url)


def test_a_store_in_postgresql_never_shows_its_password(postgres_url: str) -> None:
    with Store.open(postgres_url) as store:
        assert PASSWORD not in f"{store.url}{store!r}{store.stats()}"
