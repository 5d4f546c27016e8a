"""The little flow that is run in every way, and what must have been recorded of it.

It is kept as text, for it is a user's program: it imports Prefect, which this package does not.
"""

from __future__ import annotations

from pathlib import Path

from prefect_lineage.api.lineage import Lineage
from prefect_lineage.model.entities import Graph

__all__ = ["FLOW", "differences", "prepare"]

FLOW = """
import sys
from pathlib import Path

from prefect import flow, task


@task
def copy(folder: str, number: int) -> None:
    text = Path(folder, f"in{number}.txt").read_text()
    Path(folder, f"out{number}.txt").write_text(text)


@flow
def probe(folder: str, submit: bool = True) -> None:
    if submit:
        for future in [copy.submit(folder, number) for number in range(2)]:
            future.result()
    else:
        copy(folder, 0)
        copy(folder, 1)
"""

_NUMBERS = (0, 1)


def prepare(folder: Path) -> None:
    """The files that the flow reads."""
    for number in _NUMBERS:
        (folder / f"in{number}.txt").write_text(f"file {number}\n", encoding="utf-8")


def differences(url: str, journal: Path) -> str | None:
    """What the store says of the flow that is not as it was, or None if all of it is right.

    Args:
        url: of the store.
        journal: whatever waits there is loaded first.
    """
    with Lineage(url) as lineage:
        if journal.is_dir():
            lineage.sync(journal)
        graph = lineage.graph()
        if not lineage.runs():
            return "no run was recorded: capture was not on in the process that ran it"
    found = _copies(graph)
    wanted = sorted([f"in{number}.txt", f"out{number}.txt"] for number in _NUMBERS)
    if found == wanted:
        return None
    if not found:
        return "the runs were recorded, but none of the files that they read and wrote"
    told = "; ".join(" and ".join(files) for files in found)
    return f"the files were not recorded as each of two tasks read and wrote them, but as {told}"


def _copies(graph: Graph) -> list[list[str]]:
    """For each run the files that it read, then those that it wrote."""
    names = {version.id: Path(version.uri).name for version in graph.versions}
    found = [
        sorted(
            names[edge.version]
            for edge in sorted(graph.edges, key=lambda edge: edge.direction)
            if edge.run == run.id
        )
        for run in graph.runs
    ]
    return sorted(files for files in found if files)
