"""The ways in which Prefect runs tasks, each as something that can be tried here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Literal

from prefect_lineage.cli.doctoring.place import Place, TrialError
from prefect_lineage.cli.doctoring.probe import FLOW, differences, prepare
from prefect_lineage.cli.script import plugin_switch

__all__ = ["WAYS", "Outcome", "Way", "try_way"]

PLUGINS = plugin_switch()
_SET_IT = f"Set {PLUGINS}=1 in the environment of {{}}, or run `prefect config set {PLUGINS}=true` there."


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run tasks.

    Attributes:
        name: as the table has it.
        attempt: does it in a place, and raises :class:`TrialError` if it cannot be done.
        advice: what a user must do for it, or can do where it does not work.
        seconds: how long it may take.
        needs: the package without which it cannot be tried, as pip calls it.
        slow: left out by ``--quick``.
    """

    name: str
    attempt: Callable[[Place], None]
    advice: str
    seconds: float = 180.0
    needs: str | None = None
    slow: bool = False

    @property
    def is_installed(self) -> bool:
        """Is what it needs there?"""
        return self.needs is None or find_spec(self.needs.replace("-", "_")) is not None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a way.

    Attributes:
        seconds: that it took; None if it was not tried.
        reason: why it does not work, or was not tried.
        advice: what to do then.
    """

    way: str
    state: Literal["works", "does not work", "not tried"]
    seconds: float | None = None
    reason: str | None = None
    advice: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def try_way(way: Way, place: Place) -> Outcome:
    """Run the flow in this way, and look at what was recorded."""
    began = time.monotonic()
    prepare(place.work)
    try:
        way.attempt(place)
        reason = differences(place.url, place.journal)
    except TrialError as error:
        reason = str(error)
    took = round(time.monotonic() - began, 1)
    if reason is None:
        return Outcome(way.name, "works", took)
    printed = place.last_words()
    return Outcome(
        way.name,
        "does not work",
        took,
        f"{reason}; printed last: {printed}" if printed else reason,
        way.advice,
    )


def _program(*lines: str) -> str:
    """The flow with what starts it."""
    body = "\n".join(f"    {line}" for line in lines)
    return f'{FLOW}\n\nif __name__ == "__main__":\n    folder = sys.argv[1]\n{body}\n'


def _script(*lines: str, with_plugins: bool = True) -> Callable[[Place], None]:
    """``python flow.py``."""

    def attempt(place: Place) -> None:
        if with_plugins:
            place.environment[PLUGINS] = "1"
        place.run(place.write(_program(*lines)), str(place.work))

    return attempt


def _runner(module: str, runner: str, arguments: str) -> Callable[[Place], None]:
    return _script(
        f"from {module} import {runner}",
        f"probe.with_options(task_runner={runner}({arguments}))(folder)",
    )


def _by_command(place: Place) -> None:
    """``prefect-lineage run flow.py``."""
    program = place.write(_program("probe(folder, submit=False)"))
    place.run("-m", "prefect_lineage", "run", program, str(place.work))


def _served(place: Place) -> None:
    """``flow.serve``: a deployment in a process that waits for runs of it."""
    place.environment[PLUGINS] = "1"
    program = place.write(_program("probe.serve(name='doctor')"))
    with place.running(program, str(place.work)) as process:
        deployment = place.until(
            lambda: place.ask("GET", "/deployments/name/probe/doctor"), "the deployment was there", process
        )
        _run_deployment(place, deployment["id"], process)


def _by_worker(place: Place) -> None:
    """A deployment in a work pool, and a worker that starts a process for it."""
    place.environment[PLUGINS] = "1"
    place.write(FLOW)
    with place.running(
        "-m", "prefect", "worker", "start", "--pool", "doctor", "--type", "process"
    ) as process:
        place.until(lambda: place.ask("GET", "/work_pools/doctor"), "the work pool was there", process)
        flow = place.ask("POST", "/flows/", {"name": "probe"})
        deployment = place.ask(
            "POST",
            "/deployments/",
            {
                "name": "worked",
                "flow_id": flow["id"],
                "entrypoint": "flow.py:probe",
                "work_pool_name": "doctor",
                "pull_steps": [
                    {"prefect.deployments.steps.set_working_directory": {"directory": str(place.work)}}
                ],
                "parameter_openapi_schema": {},
            },
        )
        _run_deployment(place, deployment["id"], process)


def _run_deployment(place: Place, deployment: str, process: Any) -> None:
    parameters = {"parameters": {"folder": str(place.work)}}
    run = place.ask("POST", f"/deployments/{deployment}/create_flow_run", parameters)

    def ended() -> str | None:
        state = (place.ask("GET", f"/flow_runs/{run['id']}") or {}).get("state") or {}
        return state.get("type") if state.get("type") in _FINAL else None

    state = place.until(ended, "the run had ended", process)
    if state != "COMPLETED":
        raise TrialError(f"the run ended as {state.lower()}")


_FINAL = {"CANCELLED", "COMPLETED", "CRASHED", "FAILED"}


def _in_background(place: Place) -> None:
    """``task.delay``, and ``task.serve`` in another process."""
    place.environment[PLUGINS] = "1"
    program = place.write(_program("copy.serve()"))
    calls = place.write(
        "import sys\n"
        "from flow import copy\n"
        "for future in [copy.delay(sys.argv[1], number) for number in range(2)]:\n"
        f"    future.wait(timeout={place.seconds:.0f})\n"
        "    if not future.state.is_completed():\n"
        "        sys.exit(f'the task is {future.state.name}')\n",
        "calls.py",
    )
    with place.running(program, str(place.work)):
        place.run(calls, str(place.work))


WAYS = (
    Way(
        f"python flow.py, with {PLUGINS}=1",
        _script("probe(folder, submit=False)"),
        "Look whether `prefect-lineage plugins` and this table's first part name a problem.",
    ),
    Way(
        "prefect-lineage run flow.py",
        _by_command,
        "Look whether PREFECT_LINEAGE_ENABLED=0 is set somewhere.",
    ),
    Way(
        "prefect_lineage.enable() in the program",
        _script(
            "import prefect_lineage",
            "prefect_lineage.enable()",
            "probe(folder, submit=False)",
            with_plugins=False,
        ),
        "Call it before the flow; it takes effect for every run that begins later.",
    ),
    Way("task.submit, in threads", _script("probe(folder)"), _SET_IT.format("the program")),
    Way(
        "task.submit, ProcessPoolTaskRunner",
        _runner("prefect.task_runners", "ProcessPoolTaskRunner", "max_workers=1"),
        _SET_IT.format("the program; its processes inherit it"),
        slow=True,
    ),
    Way(
        "task.submit, DaskTaskRunner",
        _runner(
            "prefect_dask",
            "DaskTaskRunner",
            "cluster_kwargs={'n_workers': 1, 'threads_per_worker': 2, 'dashboard_address': ':0'}",
        ),
        _SET_IT.format("the program and, for a cluster elsewhere, of its workers"),
        seconds=240.0,
        needs="prefect-dask",
        slow=True,
    ),
    Way(
        "task.submit, RayTaskRunner",
        _runner("prefect_ray", "RayTaskRunner", "init_kwargs={'num_cpus': 1, 'include_dashboard': False}"),
        _SET_IT.format("the program and, for a cluster elsewhere, of its nodes"),
        seconds=300.0,
        needs="prefect-ray",
        slow=True,
    ),
    Way("flow.serve", _served, _SET_IT.format("the process that serves"), slow=True),
    Way("a deployment, by a process worker", _by_worker, _SET_IT.format("the worker"), slow=True),
    Way("task.delay and task.serve", _in_background, _SET_IT.format("the process that serves"), slow=True),
)
