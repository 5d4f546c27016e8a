"""``coverage``."""

from __future__ import annotations

from itertools import groupby

from rich.text import Text

from prefect_lineage.cli.opening import opened
from prefect_lineage.cli.options import OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import print_json
from prefect_lineage.cli.text import count, visible
from prefect_lineage.graph.coverage import Coverage, Gap

__all__ = ["print_coverage"]

_TITLES = {
    "program": "other programs, seen from outside only",
    "process": "child processes that could not be reached",
    "adapter": "adapters that failed",
    "library": "libraries in a release that no adapter knows",
    "call": "calls that were not understood",
    "native": "libraries that open files in compiled code",
    "dropped": "dropped",
    "late": "after the end of a run",
    "unattributed": "in threads that belong to no run",
    "unhashed": "not hashed",
    "raced": "changed while it was read or hashed",
    "inferred": "inferred, not seen",
}
_SHOWN = 20


def print_coverage(ref: str | None, out: OutputOptions) -> int:
    """Print what a run did that was not understood; without ``ref`` the last outermost run."""
    with opened(out) as lineage:
        found = lineage.coverage(ref)
    if out.json:
        print_json(found.to_dict())
    else:
        _print(found, Screen())
    return 0


def _print(found: Coverage, screen: Screen) -> None:
    known = ", ".join(f"{times} {how}" for how, times in found.edges.items() if times) or "none"
    title = Text(visible(f"{found.run.job} ({found.run.name})"), style="bold")
    screen.print(title.append(f"  {count(found.runs, 'run')}, edges: {known}", style="dim"))
    if not found.gaps:
        screen.print(Text("Nothing that these runs did was left without being understood.", style="green"))
        return
    for kind, group in groupby(found.gaps, key=lambda gap: gap.kind):
        gaps = list(group)
        screen.print(Text(f"\n{_TITLES[kind]}", style="bold yellow"))
        for gap in gaps[:_SHOWN]:
            screen.print(_line(gap))
        if len(gaps) > _SHOWN:
            screen.print(Text(f"  and {len(gaps) - _SHOWN} more; --json has all", style="dim"))
        screen.print(Text(f"  {gaps[0].advice}", style="dim"))


def _line(gap: Gap) -> Text:
    times = f"{gap.times} x " if gap.times > 1 else ""
    return Text(f"  {times}{visible(gap.what)}").append(f"  {visible(', '.join(gap.jobs))}", style="dim")
