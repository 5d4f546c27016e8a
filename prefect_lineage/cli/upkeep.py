"""``plugins``, ``sync``, ``db upgrade`` and ``db stats``."""

from __future__ import annotations

from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from prefect_lineage.capture.reconcile import Reconciled, reconcile
from prefect_lineage.cli.opening import opened
from prefect_lineage.cli.options import OutputOptions
from prefect_lineage.cli.screen import Screen
from prefect_lineage.cli.streams import complain, print_json
from prefect_lineage.cli.text import count, visible
from prefect_lineage.plugins import PluginReport, report
from prefect_lineage.store.remote import is_remote
from prefect_lineage.store.store import Store

__all__ = ["list_plugins", "load_journals", "print_stats", "upgrade_store"]


def list_plugins(out: OutputOptions) -> int:
    """Print every plugin that is installed, active or not."""
    reports = report()
    if out.json:
        print_json([asdict(plugin) for plugin in reports])
        return 0
    if not reports:
        complain("No plugin is installed; is prefect-lineage itself installed, or only on the path?")
        return 0
    screen = Screen()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("plugin", "active", "from", "watches"):
        table.add_column(title, overflow="fold", no_wrap=title == "active")
    for plugin in reports:
        table.add_row(*_plugin_cells(plugin))
    screen.print(table)
    return 0


def _plugin_cells(plugin: PluginReport) -> tuple[Text, ...]:
    release = f"{plugin.distribution} {plugin.version}" if plugin.distribution else plugin.module
    watches = ", ".join(plugin.watches) or ", ".join(plugin.hooks)
    what = Text(visible(watches))
    if plugin.reason:
        what = Text(visible(plugin.reason), style="yellow")
    active = Text("yes", style="green") if plugin.active else Text("no", style="red")
    return Text(visible(plugin.name), style="bold"), active, Text(visible(release)), what


def load_journals(directory: str | None, out: OutputOptions) -> int:
    """Load the journals that wait, and end the runs that ended unseen.

    Returns:
        The exit code: 2 if something in the journals could not be loaded.
    """
    with opened(out, readonly=False) as lineage:
        done, source = lineage.sync(directory), lineage.source
        with Store.open(lineage.url) as store:
            ends = reconcile(store)
    if out.json:
        print_json({**asdict(done), "ends": asdict(ends)})
    else:
        words = f"{count(done.records, 'record')} of {count(done.files, 'journal')} loaded into {source}"
        if done.busy:
            words += f"; {count(done.busy, 'journal')} left to the running process that writes it"
        Screen().print(Text(visible(f"{words}.")))
        _print_ends(ends)
    if ends.problem:
        complain(f"{ends.problem}.")
    if done.newer:
        complain(
            f"{count(done.newer, 'journal')} of a newer release waits for an upgrade of prefect-lineage."
        )
    if done.rejected:
        complain(
            f"{count(done.rejected, 'line')} could not be stored"
            + ("." if is_remote(directory or "") else " and lies beside the journal, in .rejected.")
        )
    return 2 if done.newer or done.rejected else 0


def _print_ends(ends: Reconciled) -> None:
    parts = [
        (ends.by_server, "ended as Prefect's server says"),
        (ends.by_process, "crashed: the process is gone"),
        (ends.open, "not ended, as far as anybody knows"),
    ]
    told = [f"{count(number, 'run')} {words}" for number, words in parts if number]
    if told:
        Screen().print(Text(f"{'; '.join(told)}."))


def upgrade_store(out: OutputOptions) -> int:
    """Bring the store to this release's schema."""
    with opened(out, readonly=False) as lineage:  # opening read-write is what upgrades
        source, stats = lineage.source, lineage.stats()
    if out.json:
        print_json(stats)
    else:
        Screen().print(Text(f"{visible(source)} is up to date."))
    return 0


def print_stats(out: OutputOptions) -> int:
    """Print how much the store holds."""
    with opened(out) as lineage:
        stats = lineage.stats()
    if out.json:
        print_json(stats)
        return 0
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in stats.items():
        table.add_row(Text(visible(name.replace("_", " "))), Text(visible(value)))
    Screen().print(table)
    return 0
