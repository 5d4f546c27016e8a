"""Settings: the environment wins over ``prefect-lineage.toml``, and that over ``pyproject.toml``."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_lineage.settings import Settings, load


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project in which no variable of ours is set."""
    import os

    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def pyproject(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.prefect-lineage]\n{text}\n")


def test_without_any_setting_everything_lies_in_prefects_home(place: Path) -> None:
    found = load(place)
    assert found.url == f"sqlite:///{place.parent / 'home' / 'lineage.db'}"
    assert found.journal_dir == place.parent / "home" / "lineage-journal"
    assert found.root == place
    assert (found.enabled, found.values, found.digest, found.hash_limit) == (
        None,
        "passed",
        "blake3",
        1 << 30,
    )
    assert found.warnings == ()


def test_the_environment_wins_over_our_file_and_that_over_pyproject(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyproject(place, 'namespace = "p"\ndigest = "sha256"\nhash-limit = 1')
    assert load(place).namespace == "p"
    (place / "prefect-lineage.toml").write_text('namespace = "t"\nhash_limit = 2')
    assert (load(place).namespace, load(place).hash_limit) == ("t", 2)
    monkeypatch.setenv("PREFECT_LINEAGE_NAMESPACE", "e")
    found = load(place)
    assert (found.namespace, found.hash_limit, found.digest) == ("e", 2, "sha256")
    assert found.warnings == ()


def test_a_file_of_a_directory_above_holds_here_and_the_nearest_counts(place: Path) -> None:
    deep = place / "a" / "b"
    deep.mkdir(parents=True)
    pyproject(place, 'namespace = "outer"')
    (place / "a" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert load(deep).namespace == "outer"
    pyproject(place / "a", 'namespace = "inner"')
    assert load(deep).namespace == "inner"


def test_the_root_is_that_of_the_work_tree(place: Path) -> None:
    (place / ".git").mkdir()
    (place / "a").mkdir()
    assert load(place / "a").root == place


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("ENABLED", "0", "enabled", False),
        ("ENABLED", "true", "enabled", True),
        ("IGNORE", "*.tmp, cache/*", "ignore", ("*.tmp", "cache/*")),
        ("DISABLE", "pandas", "disable", ("pandas",)),
        ("REDACT", r"ID-\d+", "redact", (r"ID-\d+",)),
        ("HASH_LIMIT", "100", "hash_limit", 100),
        ("VALUES", "off", "values", "off"),
        ("MAX_EDGES_PER_RUN", "5", "max_edges_per_run", 5),
        ("URL", "postgresql://db/x", "url", "postgresql://db/x"),
        ("JOURNAL_DIR", "/j", "journal_dir", Path("/j")),
    ],
)
def test_a_variable_sets_its_field(
    name: str, value: str, field: str, expected: object, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PREFECT_LINEAGE_{name}", value)
    found = load(place)
    assert getattr(found, field) == expected
    assert found.warnings == ()


def test_patterns_are_split_at_newlines_for_they_hold_commas(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_REDACT", "ID-\\d{3,5}\n X+ \n")
    assert load(place).redact == (r"ID-\d{3,5}", "X+")
    pyproject(place, "redact = ['a{1,2}', 'b']")
    monkeypatch.delenv("PREFECT_LINEAGE_REDACT")
    assert load(place).redact == ("a{1,2}", "b")


def test_a_pattern_that_does_not_compile_is_a_warning_and_the_others_hold(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_REDACT", "(\nX+")
    found = load(place)
    assert found.redact == ("X+",)
    [warning] = found.warnings
    assert "PREFECT_LINEAGE_REDACT" in warning
    assert "'('" in warning


@pytest.mark.parametrize("name", ["JOURNAL_DIR", "ROOT"])
def test_a_home_that_nobody_has_is_a_warning_and_the_default_holds(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = getattr(load(place), name.lower())
    monkeypatch.setenv(f"PREFECT_LINEAGE_{name}", "~nosuchuser/x")
    found = load(place)
    assert getattr(found, name.lower()) == default
    assert len(found.warnings) == 1


def test_a_nul_in_a_path_is_a_warning(place: Path) -> None:
    pyproject(place, 'root = "a\\u0000b"')
    assert load(place).root == place
    assert len(load(place).warnings) == 1


def test_in_a_directory_that_is_gone_the_settings_are_those_of_the_environment(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = place / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("PREFECT_LINEAGE_NAMESPACE", "kept")
    assert load().namespace == "kept"
    monkeypatch.setenv("PREFECT_HOME", "~nosuchuser/x")
    assert load().url == "sqlite:///~nosuchuser/x/lineage.db"
    monkeypatch.chdir(place)


def test_lists_in_files_are_lists(place: Path) -> None:
    pyproject(place, 'ignore = ["a, b", "c"]')
    assert load(place).ignore == ("a, b", "c")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HASH_LIMIT", "lots"),
        ("HASH_LIMIT", "-1"),
        ("ENABLED", "perhaps"),
        ("DIGEST", "md5"),
        ("VALUES", "some"),
        ("MAX_EDGES_PER_RUN", ""),
    ],
)
def test_a_malformed_setting_is_one_warning_and_the_default_holds(
    name: str, value: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = getattr(load(place), name.lower())
    monkeypatch.setenv(f"PREFECT_LINEAGE_{name}", value)
    monkeypatch.setenv("PREFECT_LINEAGE_NAMESPACE", "kept")
    found = load(place)
    assert getattr(found, name.lower()) == default
    assert found.namespace == "kept"
    [warning] = found.warnings
    assert f"PREFECT_LINEAGE_{name}" in warning


def test_an_unknown_setting_is_a_warning_that_names_it_and_where_it_stands(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_LINEAGE_HASHLIMIT", "1")
    pyproject(place, 'colour = "blue"\nwarnings = ["x"]')
    warnings = load(place).warnings
    assert len(warnings) == 3
    assert any("HASHLIMIT" in warning and "environment" in warning for warning in warnings)
    assert any("colour" in warning and "pyproject.toml" in warning for warning in warnings)


@pytest.mark.parametrize("name", ["pyproject.toml", "prefect-lineage.toml"])
@pytest.mark.parametrize("content", [b"not = = toml", b"\xff\xfe", b"[tool]\nprefect-lineage = 3\n"])
def test_a_file_that_cannot_be_read_is_a_warning_at_most(name: str, content: bytes, place: Path) -> None:
    (place / name).write_bytes(content)
    found = load(place)
    assert found.hash_limit == 1 << 30
    assert len(found.warnings) <= 1


NAMES = st.sampled_from([f"PREFECT_LINEAGE_{name.upper()}" for name in Settings.model_fields])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    variables=st.dictionaries(
        NAMES, st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=8), max_size=4
    )
)
def test_no_environment_makes_loading_raise(variables: dict[str, str], place: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        found = load(place)
    assert found.url
    assert len(found.warnings) <= len(variables)
