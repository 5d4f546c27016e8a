"""The commands and their options; what they do is imported when they are called.

``prefect-lineage --help`` must answer at once, so nothing here imports the store, Prefect, pandas or pyvis.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from prefect_lineage.cli.options import GRAPH, OUTPUT, GraphOptions, OutputOptions, Time, flag, number, option
from prefect_lineage.errors import LineageError

__all__ = ["app"]


def app() -> App:
    """The parser of ``prefect-lineage`` with all of its commands."""
    top = App(
        name="prefect-lineage",
        help=(
            "Which run made which file, table, model or value, from what, and who used it since.\n\n"
            "For example:\n"
            "  prefect-lineage run flow.py\n"
            "  prefect-lineage map --open"
        ),
        version=_version,
        help_format="plaintext",
    )
    for command in (run, map_, ls, show, upstream, downstream, plugins, sync, doctor, coverage):
        top.command(command, name=command.__name__.rstrip("_"))
    store = App(name="db", help="Look after the store.", help_format="plaintext")
    store.command(db_upgrade, name="upgrade")
    store.command(db_stats, name="stats")
    store.command(db_check, name="check")
    store.command(db_copy, name="copy")
    top.command(store)
    return top


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("prefect-lineage")
    except PackageNotFoundError:
        return "unknown: the package is on the path, but not installed"


def run(
    script: Annotated[str | None, Parameter(help="A Python file.")] = None,
    /,
    *arguments: Annotated[str, Parameter(help="All that follows belongs to the script.")],
    module: Annotated[
        str | None, option("Run an importable module instead, as python -m does.", "-m")
    ] = None,
    url: Annotated[str | None, option("The store to record into. Default: the setting URL.")] = None,
) -> int:
    """Run a script or module with capture on; ends with the script's own exit code.

    For example:
      prefect-lineage run flow.py --rows 100
      prefect-lineage run -m pipelines.nightly
    """
    from prefect_lineage.cli.script import run_module, run_script

    if module is not None:
        return run_module(module, arguments if script is None else (script, *arguments), url)
    if script is None:
        raise LineageError("There is no script to run; write prefect-lineage run SCRIPT or run -m MODULE.")
    return run_script(script, arguments, url)


def map_(
    ref: Annotated[
        str | None, Parameter(help="A version or run; without it the whole store is drawn.")
    ] = None,
    /,
    *,
    output: Annotated[Path, Parameter(name=("--output", "-o"), help="The HTML file to write.")] = Path(
        "lineage.html"
    ),
    open_: Annotated[bool, flag("Open it in the browser.", "--open")] = False,
    upstream: Annotated[bool, flag("Only what REF was made from.")] = False,
    downstream: Annotated[bool, flag("Only what was made from REF.")] = False,
    group: Annotated[str | None, option("flow: a frame around what each flow run did.")] = None,
    ui_url: Annotated[
        str | None, option("Where Prefect's UI is. Default: PREFECT_UI_URL, else as PREFECT_API_URL says.")
    ] = None,
    graph: GraphOptions = GRAPH,
    out: OutputOptions = OUTPUT,
) -> int:
    """Write the lineage map: one HTML file that opens offline.

    A page holds at most 50,000 runs and versions; of more, --depth, --since or --flow take a part.

    For example:
      prefect-lineage map data/model.pkl -o model.html --open
      prefect-lineage map --since 2026-11-01 --level flow
    """
    from prefect_lineage.cli.mapping import Look, write_map

    return write_map(ref, output, (upstream, downstream), graph, out, Look(graph.level, group, ui_url, open_))


def ls(
    what: Annotated[
        str, Parameter(help="artifacts (default), versions or runs.", show_default=False)
    ] = "artifacts",
    pattern: Annotated[
        str | None, Parameter(help="A glob on names and locations; for runs on names and jobs.")
    ] = None,
    /,
    *,
    type_: Annotated[str | None, option("Only of this artifact type.", "--type")] = None,
    state: Annotated[str | None, option("Only with a run in this state: Completed, Failed …")] = None,
    job: Annotated[str | None, option("Only with a run of such a job (a glob).")] = None,
    flow: Annotated[str | None, option("Only with a run of such a flow (a glob).")] = None,
    flow_run: Annotated[
        str | None, option("Only what belongs to this flow run (id, prefix or name).")
    ] = None,
    tag: Annotated[str | None, option("Only with this tag.")] = None,
    since: Annotated[Time | None, option("Only what is from this time or later (ISO 8601, UTC).")] = None,
    until: Annotated[Time | None, option("Only what is from this time or earlier (ISO 8601, UTC).")] = None,
    limit: Annotated[int | None, number("At most this many; 0: all. Default: 100, with --json all.")] = None,
    offset: Annotated[int, number("Leave out this many of the newest.")] = 0,
    each: Annotated[
        bool, flag("A line for each artifact, also of a series that differs in dates only.")
    ] = False,
    out: OutputOptions = OUTPUT,
) -> int:
    """List artifacts, versions or runs, newest first.

    Artifacts whose names differ in dates only (sales_2026-11-23.csv) are one line: sales_{date}.csv. What is a date is
    said by the setting SERIES; --each and --json list every artifact.

    For example:
      prefect-lineage ls
      prefect-lineage ls versions 'data/*.csv' --type dataset --json
      prefect-lineage ls runs --state Failed --since 2026-11-01
    """
    from prefect_lineage.cli.listing import Wanted, list_entities

    wanted = Wanted(what, pattern, type_, state, job, flow, flow_run, tag, since, until, limit, offset, each)
    try:
        return list_entities(wanted, out)
    finally:  # also where there is no store yet: then all of it waits
        if not out.json:
            from prefect_lineage.cli.hints import hint_at_waiting

            hint_at_waiting(out.url)


def show(
    ref: Annotated[str, Parameter(help="A version (name, name:v3, path …) or a run (run:ID).")],
    /,
    *,
    out: OutputOptions = OUTPUT,
) -> int:
    """Show everything that is known of one version or run.

    For example:
      prefect-lineage show zoo-model:latest
      prefect-lineage show run:0a1b2c3d --json
    """
    from prefect_lineage.cli.showing import show_node

    return show_node(ref, out)


def upstream(
    ref: Annotated[str, Parameter(help="A version (name, name:v3, path …) or a run (run:ID).")],
    /,
    *,
    graph: GraphOptions = GRAPH,
    out: OutputOptions = OUTPUT,
) -> int:
    """Show all that a version or run was made from, as a tree.

    For example:
      prefect-lineage upstream models/model.pkl --depth 4
    """
    from prefect_lineage.cli.walking import print_walk

    return print_walk(ref, "upstream", graph, out)


def downstream(
    ref: Annotated[str, Parameter(help="A version (name, name:v3, path …) or a run (run:ID).")],
    /,
    *,
    graph: GraphOptions = GRAPH,
    out: OutputOptions = OUTPUT,
) -> int:
    """Show all that was made from a version or run, as a tree.

    For example:
      prefect-lineage downstream data/penguins.csv --json
    """
    from prefect_lineage.cli.walking import print_walk

    return print_walk(ref, "downstream", graph, out)


def plugins(*, out: OutputOptions = OUTPUT) -> int:
    """Show what is installed: which plugins are active, which are not and why, what they watch.

    For example:
      prefect-lineage plugins
    """
    from prefect_lineage.cli.upkeep import list_plugins

    return list_plugins(out)


def sync(
    directory: Annotated[
        str | None, Parameter(help="A directory or a URL. Default: the setting JOURNAL_DIR.")
    ] = None,
    /,
    *,
    out: OutputOptions = OUTPUT,
) -> int:
    """Load the journals that wait on disk into the store, and end the runs that ended unseen.

    A journal waits when a process died before it could write to the store, or comes from another machine. It can lie
    in an object store (s3://bucket/journals, through fsspec), where nothing is deleted.
    A run whose end nobody recorded (kill -9, a power failure, a cancellation) gets the state that Prefect's
    server knows, or Crashed if it ran on this machine and its process is gone; else it stays as it is.

    For example:
      prefect-lineage sync /mnt/worker-7/lineage-journal
    """
    from prefect_lineage.cli.upkeep import load_journals

    return load_journals(directory, out)


def doctor(
    *,
    quick: Annotated[bool, flag("Leave out what is slow: process pools, Dask, Ray, served flows.")] = False,
    out: OutputOptions = OUTPUT,
) -> int:
    """Look at what is set here, and run a little flow in each way that this machine can.

    Everything happens in a temporary directory, with a store and a server of Prefect's that are deleted
    afterwards; it takes a minute or two, with --quick about a third of that. Ends with exit code 1 if something
    does not work.

    For example:
      prefect-lineage doctor --quick
    """
    from prefect_lineage.cli.doctor import examine

    return examine(out, quick=quick)


def coverage(
    ref: Annotated[
        str | None, Parameter(name="run", help="A run (id, prefix or name). Default: the last outermost one.")
    ] = None,
    /,
    *,
    out: OutputOptions = OUTPUT,
) -> int:
    """Show what a run did that capture did not understand, and what to declare for it.

    Programs that it started, libraries that open files in compiled code and that no plugin watches, threads that
    belong to no run, files that were not hashed, adapters that failed or do not know a library's release.

    For example:
      prefect-lineage coverage
      prefect-lineage coverage amber-otter --json
    """
    from prefect_lineage.cli.coverage import print_coverage

    return print_coverage(ref, out)


def db_upgrade(*, out: OutputOptions = OUTPUT) -> int:
    """Bring the store to this release's schema; makes an empty one where there is none.

    For example:
      prefect-lineage db upgrade
    """
    from prefect_lineage.cli.upkeep import upgrade_store

    return upgrade_store(out)


def db_stats(*, out: OutputOptions = OUTPUT) -> int:
    """Show how much the store holds.

    For example:
      prefect-lineage db stats --json
    """
    from prefect_lineage.cli.upkeep import print_stats

    return print_stats(out)


def db_check(*, out: OutputOptions = OUTPUT) -> int:
    """Look whether the store is whole: files, keys, numbers, digests, references. Exit code 1 if it is not.

    For example:
      prefect-lineage db check
    """
    from prefect_lineage.cli.keeping import check_store

    return check_store(out)


def db_copy(
    target: Annotated[str, Parameter(name="URL", help="An empty database.")],
    /,
    *,
    out: OutputOptions = OUTPUT,
) -> int:
    """Copy the store into another database, from SQLite to PostgreSQL or back, with its history and all ids.

    What is written to the store meanwhile is not copied, so let no flow run. If it is interrupted, the same
    command goes on where it stopped.

    For example:
      prefect-lineage db copy postgresql://lineage@db.example/lineage
    """
    from prefect_lineage.cli.keeping import copy_store

    return copy_store(target, out)
