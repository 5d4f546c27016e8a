from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NASTY = [
    "</script><img src=x onerror=alert(1)>",
    "[bold red]markup[/] [link=http://x]y[/link] [/",
    "screen\x1b[2J\x1b]0;title\x07gone",
    "turned \u202egnp.exe and\u2028broken\nline",
    "lone \udcff surrogate",
    ":smile: \U0001f600",
    "x" * 10_000,
]


@pytest.fixture
def hostile(home: Path, make: Any) -> str:
    """A store in which every text is hostile."""
    records = [
        make.record(
            number,
            f"flow.{text}",
            make.edge(f"/data/{number}-{text}", "input", "1", via=text),
            make.edge(f"/out/{number}-{text}", "output", "2", type=text, metadata={text: text}, aliases=()),
            details={"parameters": {text: [text, float("nan")]}, "tags": [text]},
        )
        for number, text in enumerate(NASTY, start=1)
        if "\udcff" not in text
    ]
    make.store(home / "hostile.db", records)
    return "hostile.db"


def is_safe(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


def test_nothing_recorded_reaches_the_terminal_unescaped(cli: Any, hostile: str, make: Any) -> None:
    commands = [["ls"], ["ls", "versions"], ["ls", "runs"]]
    commands += [
        [verb, f"run:{make.uuid(number)}"]
        for number in (1, 2, 3, 4, 6, 7)
        for verb in ("show", "upstream", "downstream")
    ]
    for command in commands:
        answer = cli(*command, "--url", hostile)
        assert answer.code == 0, (command, answer.err)
        assert is_safe(answer.out), command


def test_markup_and_escapes_are_shown_as_they_were_written(cli: Any, hostile: str) -> None:
    out = cli("ls", "--url", hostile).out
    for words in ("[bold red]markup[/]", "\\x1b[2J", "\\u202e", ":smile:", "onerror=alert(1)"):
        assert words in out


def test_json_is_one_valid_document_whatever_was_recorded(cli: Any, hostile: str, make: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for number in (1, 2, 3, 4, 6, 7):
        out = cli("show", f"run:{make.uuid(number)}", "--json", "--url", hostile).out
        document = json.loads(out, parse_constant=refuse)
        assert document["job"] == f"flow.{NASTY[number - 1]}"


def test_a_terminal_that_knows_only_ascii_gets_escapes(shell: Any, hostile: str) -> None:
    table = shell("ls", "runs", "--url", hostile, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert table.code == 0
    assert table.out.isascii()
    document = shell("ls", "runs", "--json", "--url", hostile, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert document.out.isascii()
    assert f"flow.{NASTY[5]}" in {run["job"] for run in document.json}


def test_a_reference_is_repeated_without_its_escapes(cli: Any, hostile: str) -> None:
    answer = cli("show", "nobody\u202e", "--url", hostile)
    assert answer.code == 2
    assert is_safe(answer.err)
    assert "\\u202e" in answer.sentence


def test_the_map_of_hostile_names_is_written(cli: Any, hostile: str, home: Path) -> None:
    assert cli("map", "--url", hostile).code == 0
    assert "<img src=x" not in (home / "lineage.html").read_text(encoding="utf-8")
