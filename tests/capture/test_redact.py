"""Secrets are taken out before anything is written."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_lineage import hookimpl
from prefect_lineage.capture import redact
from prefect_lineage.capture.identity import Identity
from prefect_lineage.capture.redact import HIDDEN, Lasting, Redactor
from prefect_lineage.plugins import Plugins
from prefect_lineage.testing import captured

SECRET = "hunter2hunter2"
KEY = "AKIAIOSFODNN7EXAMPLE"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"postgresql://anna:{SECRET}@db:5432/shop", "postgresql://anna:***@db:5432/shop"),
        (f"postgresql+psycopg://anna:{SECRET}@db/shop?sslmode=require", "postgresql+psycopg://anna:***@db/shop?sslmode=require"),
        (f"redis://:{SECRET}@cache", "redis://:***@cache"),
        (f"https://{'a' * 40}@github.com/x", "https://***@github.com/x"),
        (f"https://h/a?X-Amz-Credential={SECRET}&X-Amz-Signature={SECRET}&x=1", "https://h/a?X-Amz-Credential=***&X-Amz-Signature=***&x=1"),
        (f"https://h/a?sv=2022&sig={SECRET}", "https://h/a?sv=2022&sig=***"),
        (f"https://h/a?api_key={SECRET}#part", "https://h/a?api_key=***"),
        (f"host=db user=anna password={SECRET} dbname=shop", "host=db user=anna password=*** dbname=shop"),
        (f"AccountName=a;AccountKey={SECRET};Suffix=b", "AccountName=a;AccountKey=***;Suffix=b"),
        (f"CREATE USER a IDENTIFIED BY '{SECRET}'", "CREATE USER a IDENTIFIED BY '***'"),
        (f"ALTER ROLE a PASSWORD 'it''s {SECRET}' VALID", "ALTER ROLE a PASSWORD '***' VALID"),
        (f"CREATE SECRET s (TYPE s3, SECRET '{SECRET}')", "CREATE SECRET s (TYPE s3, SECRET '***')"),
        (f'{{"password": "two words {SECRET}", "n": 1}}', """{"password": '***', "n": 1}"""),
        (f"Authorization: Bearer {SECRET}", "Authorization: *** ***"),
        (f"key {KEY} and {JWT}", f"key {HIDDEN} and {HIDDEN}"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- tail", "*** tail"),
    ],
)  # fmt: skip
def test_a_secret_is_hidden_and_the_rest_stays(text: str, clean: str) -> None:
    assert Redactor().text(text) == clean
    assert SECRET not in Redactor().text(text)


@pytest.mark.parametrize(
    "text",
    [
        "/data/in.csv",
        "s3://bucket/a/b=1/c.parquet",
        "http://localhost:8080/path/in.csv?page=2",
        "http://localhost:8080/@scope/in.csv",
        "http://[::1]:80/a@b",
        "select a, b from t where note = 'x' and mail = 'a@b.c'",
        "abfss://container@account.dfs.core.windows.net/a",
        "ssh://git@host/path",
        "a compass, a passage, an author",
        "max_tokens=512, tokenizer: bert, token_counts = 5, n_tokens=3",
        "kansas=1 disaster_type=flood sas_rows=2",
        "/opt/sk-learn-and-its-many-friends/in.csv",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


HIDDEN_PARTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='"'), max_size=12
)


@settings(deadline=None)
@given(middle=HIDDEN_PARTS, user=st.sampled_from(["", "anna", "a.b"]), encoded=st.booleans())
def test_a_secret_in_the_users_part_of_a_url_never_survives(middle: str, user: str, encoded: bool) -> None:
    password = f"Zq7{middle}Zq8"
    url = f"postgresql://{user}:{quote(password, safe='') if encoded else password}@db.example:5432/shop"
    for text in (url, f"connect to {url} now", f"dsn='{url}'"):
        clean = Redactor().text(text)
        assert "Zq7" not in clean
        assert "Zq8" not in clean
    place = Identity("/").of(url)
    assert not [part for part in (place.namespace, place.key, place.uri) if "Zq" in part or "zq" in part]


@settings(deadline=None)
@given(st.text(max_size=60))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


def test_keys_that_sound_secret_hide_their_values_at_any_depth() -> None:
    data = {
        "db": {"password": SECRET, "port": 1},
        "tokens": [SECRET],
        "plain": [f"pwd={SECRET}"],
        "sas": None,
    }
    assert Redactor().data(data) == {
        "db": {"password": HIDDEN, "port": 1},
        "tokens": HIDDEN,
        "plain": ["pwd=***"],
        "sas": None,
    }


def test_the_users_patterns_are_hidden_whole() -> None:
    assert Redactor([r"ID-\d+"]).text("for ID-123 and ID-4") == "for *** and ***"


def test_a_pattern_that_is_none_is_told_and_left_out() -> None:
    redactor = Redactor(["(", "x+"])
    assert redactor.text("axxb") == "a***b"
    assert len(redactor.warnings) == 1
    assert "'('" in redactor.warnings[0]


class Hiding:
    @hookimpl
    def lineage_redaction(self, text: str) -> str | None:
        return text.replace("Anna", HIDDEN) if "Anna" in text else None


class Broken:
    @hookimpl
    def lineage_redaction(self, text: str) -> str | None:
        raise RuntimeError(text)


def test_plugins_redact_after_the_built_in_patterns() -> None:
    redactor = Redactor(plugins=Plugins(extra={"hiding": Hiding()}, discover=False))
    assert redactor.text("Anna, pwd=x") == "***, pwd=***"
    assert redactor.text("Berta") == "Berta"


def test_when_a_plugin_breaks_nothing_of_the_text_is_kept() -> None:
    plugins = Plugins(extra={"hiding": Hiding(), "broken": Broken()}, discover=False)
    redactor = Redactor(plugins=plugins)
    assert {redactor.text("Anna") for _ in range(10)} == {HIDDEN}


def test_what_an_attempt_recorded_has_no_secret(tmp_path: Path) -> None:
    with captured(Hiding(), root=tmp_path) as seen:
        (tmp_path / "Anna.csv").write_text("x")
    assert seen.lines == ["W ***.csv"]


def test_names_that_only_sound_secret_keep_their_values() -> None:
    data = {
        "max_tokens": 512,
        "tokenizer": "bert",
        "kansas": "x",
        "disaster_type": "flood",
        "token_counts": "5",
    }
    assert Redactor().data(data) == data


@pytest.mark.parametrize(
    "name", ["token", "accessToken", "db_password_2", "AWS_SECRET_ACCESS_KEY", "apiKey", "db-pwd"]
)
def test_names_that_are_secret_hide_their_values_however_they_are_spelt(name: str) -> None:
    assert Redactor().data({name: SECRET}) == {name: HIDDEN}
    assert SECRET not in Redactor().text(f"{name}={SECRET}")


def test_a_value_of_any_kind_can_be_under_a_secret_name() -> None:
    class Column(list[int]):
        def __eq__(self, other: object) -> bool:
            raise ValueError("the truth value of an array is ambiguous")

        __hash__ = None  # type: ignore[assignment]

    assert Redactor().data({"token": Column([1, 2])}) == {"token": HIDDEN}


def test_the_keys_of_a_mapping_are_scrubbed_too() -> None:
    assert Redactor().data({f"postgres://u:{SECRET}@h/db": 2, KEY: 1}) == {
        "postgres://u:***@h/db": 2,
        HIDDEN: 1,
    }


def test_in_a_path_only_what_looks_like_a_secret_is_one() -> None:
    assert Redactor().path("/data/token=1/password=x.csv") == "/data/token=1/password=x.csv"
    assert Redactor().path(f"/data/{KEY}/a") == f"/data/{HIDDEN}/a"
    assert Redactor(["x+"]).path("/axx") == "/a***"


@pytest.mark.parametrize(
    "piece", ["ab-", "a.", "token", "password ", "://a:", "eyJ-", "sk-", "secret='", "://"]
)
def test_a_long_text_is_searched_quickly(piece: str) -> None:
    started = time.process_time()
    Redactor().text(piece * (16_000 // len(piece)))
    assert time.process_time() - started < 0.8


def test_what_lasts_is_scrubbed_by_the_rules_of_whoever_asks() -> None:
    lasting = Lasting(repository="/home/zoo/keeper")
    strict, plain = Redactor(["keeper"]), Redactor()
    assert plain.lasting(lasting) == {"repository": "/home/zoo/keeper"}
    assert strict.lasting(lasting) == {"repository": "/home/zoo/***"}
    assert plain.data({"code": lasting}) == {"code": {"repository": "/home/zoo/keeper"}}


WORDS = st.sampled_from([*redact._SUSPECT, "=", " ", "'", "@", "\u017fecret", "\u212aey", "0", "x" * 30])


@given(st.lists(WORDS | st.text(max_size=3), max_size=6).map("".join))
def test_a_text_is_scrubbed_alike_whether_or_not_it_looks_harmless(text: str) -> None:
    scrubbed = text
    for rules in (redact._IN_URIS, redact._BY_NAME, redact._BY_LOOK):
        scrubbed = redact._scrubbed(scrubbed, rules)
    assert Redactor().text(text) == scrubbed
