from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_the_map_is_written_to_the_named_file_and_counted(cli: Any, zoo: Path, home: Path) -> None:
    answer = cli("map", "model", "-o", "model.html", "--json")
    # report, evaluate x 2, model, train, split, split x 2, raw: see the records of the zoo
    assert answer.json == {"path": str(home / "model.html"), "nodes": 9, "edges": 9, "runs": 5, "versions": 4}
    page = (home / "model.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "model" in page


def test_without_a_file_name_it_is_lineage_html(cli: Any, zoo: Path, home: Path) -> None:
    answer = cli("map")
    assert answer.code == 0
    assert answer.out.startswith(f"{home / 'lineage.html'}: ")
    assert answer.out.count("\n") == 1
    assert (home / "lineage.html").stat().st_size > 10_000


def test_the_map_of_all_holds_every_edge(cli: Any, zoo: Path) -> None:
    counts = cli("map", "--json").json
    assert (counts["runs"], counts["versions"], counts["edges"]) == (6, 5, 11)


def test_one_side_is_less_than_both(cli: Any, zoo: Path) -> None:
    def nodes(*options: str) -> int:
        return int(cli("map", "model:v1", *options, "--json").json["nodes"])

    up, down = nodes("--upstream"), nodes("--downstream")
    assert nodes() == nodes("--upstream", "--downstream") == up + down - 1


def test_the_map_agrees_with_upstream(cli: Any, zoo: Path) -> None:
    graph = cli("upstream", "model", "--depth", "3", "--json").json
    counts = cli("map", "model", "--upstream", "--depth", "3", "--json").json
    assert (counts["nodes"], counts["edges"]) == (len(graph["nodes"]), len(graph["edges"]))


def test_open_calls_the_browser_with_the_file(
    cli: Any, zoo: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = home / "opened"
    browser = home / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setattr("webbrowser._browsers", {})
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    assert cli("map", "--open").code == 0
    assert opened.read_text().strip() == (home / "lineage.html").as_uri()


def test_an_empty_store_gives_a_map_that_says_so(cli: Any, home: Path, make: Any) -> None:
    make.store(home / "empty.db", [])
    answer = cli("map", "--url", "empty.db", "--json")
    assert (answer.code, answer.json["nodes"]) == (0, 0)


def test_the_level_and_the_frames_are_the_pages_to_open_with(cli: Any, zoo: Path, home: Path) -> None:
    assert (
        cli("map", "--level", "artifact", "--group", "flow", "--ui-url", "https://prefect.example").code == 0
    )
    page = (home / "lineage.html").read_text()
    for part in ('"level":"artifact"', '"group":"flow"', '"ui_url":"https://prefect.example"'):
        assert part in page


def test_a_map_that_would_be_too_large_asks_for_a_part_and_writes_nothing(
    cli: Any, zoo: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_lineage.export.map.MOST_NODES", 3)
    answer = cli("map")
    assert answer.code == 2
    assert "a page holds at most 3" in answer.err
    assert "--depth N" in answer.err
    assert "--since" in answer.err
    assert not (home / "lineage.html").exists()


@pytest.mark.parametrize(
    ("variables", "link"),
    [
        ({}, None),
        ({"PREFECT_UI_URL": "https://ui.example"}, "https://ui.example"),
        ({"PREFECT_API_URL": "http://127.0.0.1:4200/api"}, "http://127.0.0.1:4200"),
        ({"PREFECT_API_URL": "http://h:1/api", "PREFECT_UI_URL": "http://ui"}, "http://ui"),
        (
            {"PREFECT_API_URL": "https://api.prefect.cloud/api/accounts/ab-1/workspaces/cd-2"},
            "https://app.prefect.cloud/account/ab-1/workspace/cd-2",
        ),
        ({"PREFECT_API_URL": "file:///x/api"}, None),
    ],
)
def test_prefects_pages_are_where_its_own_variables_say(variables: dict[str, str], link: str | None) -> None:
    from prefect_lineage.api.lineage_maps import prefect_ui

    assert prefect_ui(variables) == link
