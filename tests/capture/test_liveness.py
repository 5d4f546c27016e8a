from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from prefect_lineage.capture.liveness import is_gone, this_process


def test_this_process_is_not_gone() -> None:
    assert not is_gone(this_process())


def test_a_process_that_has_ended_is_gone() -> None:
    code = (
        "import json; from prefect_lineage.capture.liveness import this_process as t; print(json.dumps(t()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    process = eval(done.stdout)
    assert process["pid"] != os.getpid()
    assert is_gone(process)


def test_a_zombie_is_gone() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    try:
        assert is_gone({**this_process(), "pid": child})
    finally:
        os.waitpid(child, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"started": 1},  # the number was given to another process since
        {"boot": "00000000-0000-0000-0000-000000000000"},  # the machine was switched off since
        {"pid": 4_194_304},  # above the highest that Linux gives
    ],
)
def test_what_shows_that_a_process_has_ended(changed: dict[str, Any]) -> None:
    assert is_gone({**this_process(), **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"host": "elsewhere"},
        {"space": "pid:[1]", "pid": 4_194_304},  # of another container on this machine
        {"pid": 1, "started": None},  # lives, and may be that very one
        {"pid": -1},
        {"pid": "1"},
        {"pid": None},
        {"boot": None},
    ],
)
def test_what_shows_nothing(changed: dict[str, Any]) -> None:
    assert not is_gone({**this_process(), **changed})


@pytest.mark.parametrize("process", [None, "4711", 4711, [], {}])
def test_what_is_no_process_is_not_gone(process: Any) -> None:
    assert not is_gone(process)
