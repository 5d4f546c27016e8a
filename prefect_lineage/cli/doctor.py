"""``doctor``: what is set here, and a little flow run in every way that this machine can."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from prefect_lineage.cli.doctoring.checks import Check, checks
from prefect_lineage.cli.doctoring.place import Place, Processes, TrialError, server
from prefect_lineage.cli.doctoring.ways import WAYS, Outcome, Way, try_way
from prefect_lineage.cli.options import OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import print_json
from prefect_lineage.cli.text import visible

__all__ = ["examine", "try_all"]

_AT_ONCE = 4
"""Ways tried at the same time, at most: one for each processor."""

_STYLES = {
    "fine": "green",
    "note": "yellow",
    "problem": "red",
    "works": "green",
    "not tried": "yellow",
    "does not work": "red",
}


def examine(out: OutputOptions, *, quick: bool) -> int:
    """Look at everything and try everything; exit code 1 if something does not work."""
    screen = Screen()
    with _told(out) as tell:
        tell("looking at what is set and installed")
        found = checks(out.url)
        if not out.json:
            screen.print(_table(("looked at", "", "found", "what to do"), map(_check_cells, found)))
            screen.print()
        outcomes = try_all([way for way in WAYS if not (quick and way.slow)], tell)
    outcomes += [
        Outcome(way.name, "not tried", reason="left out by --quick") for way in WAYS if quick and way.slow
    ]
    fine = all(check.state != "problem" for check in found) and all(
        outcome.state != "does not work" for outcome in outcomes
    )
    if out.json:
        print_json(
            {
                "ok": fine,
                "checks": [check.to_dict() for check in found],
                "ways": [outcome.to_dict() for outcome in outcomes],
            }
        )
    else:
        screen.print(_table(("way to run tasks", "", "took", "what to do"), map(_way_cells, outcomes)))
    return 0 if fine else 1


def try_all(
    ways: Sequence[Way], tell: Callable[[str], None] = lambda _: None, api: str | None = None
) -> list[Outcome]:
    """Try ways at the same time, each in directories of its own that are deleted afterwards.

    Args:
        ways: what to try.
        tell: called with a few words on what is being done.
        api: the API URL of a server to run the flows against. Default: one that is started for it.
    """
    folder = Path(tempfile.mkdtemp(prefix="prefect-lineage-doctor-"))
    processes = Processes()
    try:
        if api is not None:
            return _try_at(api, ways, folder, processes, tell)
        tell("starting a server of Prefect's for the trials")
        with server(folder / "server", processes) as started:
            return _try_at(started, ways, folder, processes, tell)
    except TrialError as error:
        advice = "Look whether `prefect server start` works; flows without PREFECT_API_URL need it as well."
        return [Outcome(way.name, "does not work", None, str(error), advice) for way in ways]
    finally:
        processes.end()
        shutil.rmtree(folder, ignore_errors=True)


def _try_at(
    api: str, ways: Sequence[Way], folder: Path, processes: Processes, tell: Callable[[str], None]
) -> list[Outcome]:
    waiting = [way.name for way in ways]

    def attempt(number: int, way: Way) -> Outcome:
        try:
            if not way.is_installed:
                advice = f"pip install {way.needs}"
                return Outcome(way.name, "not tried", None, f"{way.needs} is not installed", advice)
            return try_way(way, Place(folder / str(number), api, processes, way.seconds))
        finally:
            waiting.remove(way.name)
            tell(f"trying {len(waiting)} of {len(ways)} ways: {', '.join(waiting)}")

    tell(f"trying {len(ways)} ways")
    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        futures: list[Future[Outcome]] = [pool.submit(attempt, *pair) for pair in enumerate(ways)]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            processes.end()  # else leaving the pool would wait for what is running
            raise


@contextmanager
def _told(out: OutputOptions) -> Iterator[Callable[[str], None]]:
    """Where to tell what is being done: on a terminal, and on standard error only."""
    if out.json or not sys.stderr.isatty():
        yield lambda _: None
        return
    console = Console(stderr=True, markup=False, highlight=False)
    with console.status("") as status:
        yield lambda words: status.update(Text(visible(words)))


def _table(titles: Iterable[str], rows: Iterable[Iterable[Text]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, title in enumerate(titles):
        table.add_column(title, overflow="fold", no_wrap=position == 1)
    for row in rows:
        table.add_row(*row)
    return table


def _check_cells(check: Check) -> Iterator[Text]:
    yield Text(visible(check.name), style="bold")
    yield _state(check.state)
    yield Text(visible(check.text))
    yield Text(visible(check.advice or ""))


def _way_cells(outcome: Outcome) -> Iterator[Text]:
    yield Text(visible(outcome.way), style="bold")
    yield _state(outcome.state)
    yield Text("" if outcome.seconds is None else f"{outcome.seconds:.0f} s")
    words = [words for words in (outcome.reason, outcome.advice) if words]
    yield Text(visible(". ".join(word[:1].upper() + word[1:] for word in words)))


def _state(state: str) -> Text:
    return Text(state, style=_STYLES[state])
