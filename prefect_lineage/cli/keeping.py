"""``db check`` and ``db copy``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from prefect_lineage.api.lineage_urls import store_url
from prefect_lineage.cli.opening import tell_warnings
from prefect_lineage.cli.options import OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import print_json
from prefect_lineage.cli.text import count, visible
from prefect_lineage.store.checking import Finding
from prefect_lineage.store.store import Store

__all__ = ["check_store", "copy_store"]


def check_store(out: OutputOptions) -> int:
    """Print what is wrong with the store; exit code 1 if anything is."""
    tell_warnings()
    with Store.open(store_url(out.url), readonly=True) as store:
        checks, findings = store.check()
        source = store.url
    if out.json:
        found = [asdict(finding) for finding in findings]
        print_json({"url": source, "whole": not findings, "checks": checks, "findings": found})
        return 1 if findings else 0
    screen = Screen()
    for finding in findings:
        _print_finding(screen, finding)
    if findings:
        screen.print(Text(f"{visible(source)} is not whole: {count(len(findings), 'finding')}."))
    else:
        screen.print(Text(f"{visible(source)} is whole: {count(checks, 'check')}, nothing found."))
    return 1 if findings else 0


def _print_finding(screen: Screen, finding: Finding) -> None:
    rows = f"{finding.rows:,} " if finding.rows else ""
    screen.print(Text(f"{finding.check}: {rows}{finding.problem}", style="red"))
    for example in finding.examples:
        screen.print(Text(f"  {visible(example)}", style="dim"))


def copy_store(target: str, out: OutputOptions) -> int:
    """Copy the store into another database."""
    tell_warnings()
    with Store.open(store_url(out.url), readonly=True) as store, _progress(out) as tell:
        report = store.copy_to(store_url(target), tell)
        source = store.url
    with Store.open(store_url(target), readonly=True) as made:
        copied = made.url
    if out.json:
        print_json({"from": source, "to": copied, **asdict(report)})
        return 0
    words = f"{count(sum(report.rows.values()), 'row')} of {visible(source)} are in {visible(copied)}"
    if report.restarted:
        words += "; the store had changed since the copy was interrupted, so it was begun again"
    elif report.found:
        words += f"; {report.found:,} of them were there already"
    Screen().print(Text(f"{words}."))
    return 0


@contextmanager
def _progress(out: OutputOptions) -> Iterator[Callable[[str, int, int], None]]:
    """On standard error, for a person at a terminal only."""
    if out.json or not sys.stderr.isatty():
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def tell(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = progress.add_task(table, total=total)
            progress.update(tasks[table], completed=done, total=total)

        yield tell
