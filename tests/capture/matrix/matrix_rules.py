"""What must be recorded of a scenario, said by rules from its axes, in the words of ``matrix_graph``."""

from __future__ import annotations

from collections.abc import Iterator

from matrix_scenarios import Scenario

ENDS = {
    "completed": "Completed",
    "failed": "Failed",
    "retried": "Completed",
    "cached": "Completed",
    "crashed": "Crashed",
    "cancelled": "Cancelled",
}
"""The state in which a task's run ends, in Prefect's words."""


def expected(scenario: Scenario) -> list[str]:
    """All runs and edges of the scenario."""
    return sorted(line for item in scenario.items for line in _of_item(scenario, item))


def _of_item(scenario: Scenario, item: str) -> Iterator[str]:
    yield from _made(scenario, f"make {item}", item)
    if scenario.outcome == "cached":
        yield from _found(scenario, f"make {item}")
    if _is_received(scenario):
        yield from _taken(scenario, item)
    elif _is_taken_in_vain(scenario):
        yield f"take {item}: task NotReady, {_place(scenario)}"


def _made(scenario: Scenario, make: str, item: str) -> Iterator[str]:
    """The run of the task itself: it reads in each attempt, writes, and returns if the attempt ends well."""
    attempts = 2 if scenario.outcome == "retried" else 1
    for attempt in range(1, attempts + 1):
        who = f"{make} in attempt {attempt}" if attempt > 1 else make
        ends_well = _ends_well(scenario) and attempt == attempts
        # what an attempt wrote that did not end well is half a version; the next attempt's takes its place
        half = "" if ends_well else ", partial, half a version"
        replaced = ", replaced by v1" if attempt < attempts else ""
        yield f"{who} reads {item}.in:v0"
        yield f"{who} writes {item}.out:v{attempt - 1}{half}{replaced}"
        if _is_received(scenario):
            yield from (f"{who} returns {value} of {make}" for value in _values(scenario, ends_well))
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    yield f"{make}: task {_end(scenario)}{tried}, {_place(scenario)}"


def _values(scenario: Scenario, ends_well: bool) -> list[str]:
    """The values that an attempt gave away: a called generator the first one before it came to its end."""
    if _yields(scenario):
        return ["value 1", "value 2"] if ends_well else ["value 1"]
    return ["value 1"] if ends_well else []


def _found(scenario: Scenario, make: str) -> Iterator[str]:
    """The second run comes from the cache: it reads and writes nothing, and gives what the first one made."""
    yield f"{make} again returns value 1 of {make}"
    yield f"{make} again: task Cached, made by {make}, {_place(scenario)}"


def _taken(scenario: Scenario, item: str) -> Iterator[str]:
    """The run that takes the value receives all that was given away, each value as often as it was."""
    given = _values(scenario, _ends_well(scenario))
    # a generator that was retried began anew, and gave its first value twice
    twice = scenario.outcome == "retried" and _yields(scenario)
    for value in given:
        times = " 2 times" if twice and value == "value 1" else ""
        yield f"take {item} receives {value} of make {item}{times}"
    yield f"take {item} writes {item}.taken:v0"
    yield f"take {item}: task Completed, {_place(scenario)}"


def _yields(scenario: Scenario) -> bool:
    """Whether values are taken one by one: of a generator that is not called Prefect makes one list."""
    return scenario.kind.endswith("generator") and scenario.way == "call"


def _ends_well(scenario: Scenario) -> bool:
    return ENDS[scenario.outcome] == "Completed"


def _is_received(scenario: Scenario) -> bool:
    """Whether somebody receives a value: one that was yielded before a cancellation is received all the same."""
    cancelled_late = scenario.outcome == "cancelled" and scenario.kind == "generator"
    return _ends_well(scenario) or cancelled_late


def _is_taken_in_vain(scenario: Scenario) -> bool:
    """Whether a run begins only to find that its argument has failed.

    A call raises what failed, so nobody takes it, but it gives a state that was returned. Of what was submitted
    the run that takes it learns by itself, but in a process pool, which learns it before there is a run. What
    crashed is not passed on here.
    """
    if scenario.way == "call":
        return scenario.outcome == "cancelled" and scenario.kind in {"sync", "async"}
    return scenario.outcome in {"failed", "cancelled"} and scenario.runner != "process"


def _end(scenario: Scenario) -> str:
    """How the run ends. An async generator cannot return a state: it is torn off, and Prefect calls that a crash."""
    if scenario.kind == "async_generator" and scenario.outcome == "cancelled":
        return "Crashed"
    return ENDS[scenario.outcome]


def _place(scenario: Scenario) -> str:
    """Inside what a run is: a delayed one belongs to the flow run that asked for it."""
    return "in flow matrix"
