"""The plugin's own tests: `captured` runs a block as one attempt of a run, without Prefect, a server or a store."""

from pathlib import Path

import fieldbook
from fieldbook import lineage

from prefect_lineage.testing import captured


def test_a_book_that_is_read_and_written_is_described(tmp_path: Path) -> None:
    (tmp_path / "in.book").write_text("heron\t2\notter\t5\n")
    with captured(lineage, root=tmp_path) as seen:
        counts = fieldbook.read(tmp_path / "in.book")
        fieldbook.write(counts | {"owl": 1}, path=tmp_path / "out.book")
    assert seen.lines == ["R in.book", "W out.book"]
    assert seen.vias == {"R in.book": "fieldbook.read", "W out.book": "fieldbook.write"}
    assert [seen.edge(line).content.rows for line in seen.lines] == [2, 3]
    assert seen.edge("W out.book").content.schema == lineage.COLUMNS
    assert not seen.problems


def test_the_library_works_where_nothing_is_captured(tmp_path: Path) -> None:
    fieldbook.write({"owl": 1}, tmp_path / "a.book")
    assert fieldbook.read(tmp_path / "a.book") == {"owl": 1}
