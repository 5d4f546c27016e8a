"""What waits on disk is said beside the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect_lineage.store.journal import Journal


def leave(directory: Path, make: Any, *numbers: int, close: bool = True) -> Journal:
    journal = Journal(directory)
    for number in numbers:
        journal.append(make.record(number, "f.t", make.edge(f"/{number}", "output")))
    if close:
        journal.close()
    return journal


def test_ls_says_how_many_records_wait_and_what_to_do(cli: Any, zoo: Path, home: Path, make: Any) -> None:
    directory = home / "prefect" / "lineage-journal"
    leave(directory, make, 11, 12)
    leave(directory, make, 13)
    answer = cli("ls")
    assert answer.code == 0
    assert answer.err == (
        f"prefect-lineage: 3 records wait in {directory}; `prefect-lineage sync` loads them.\n"
    )
    assert cli("ls", "--json").err == ""
    cli("sync")
    assert cli("ls").err == ""


def test_where_there_is_no_store_yet_all_of_it_waits(cli: Any, home: Path, make: Any) -> None:
    leave(home / "prefect" / "lineage-journal", make, 1)
    answer = cli("ls")
    assert answer.code == 2
    assert "1 record waits" in answer.err
    assert "There is no lineage store" in answer.err


def test_a_journal_whose_process_lives_does_not_wait_for_sync(
    cli: Any, zoo: Path, home: Path, make: Any
) -> None:
    journal = leave(home / "prefect" / "lineage-journal", make, 11, close=False)
    assert cli("ls").err == ""
    journal.close()
    assert "1 record waits" in cli("ls").err
