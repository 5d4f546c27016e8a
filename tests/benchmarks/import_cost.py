"""What our plugin costs an import of Prefect: processes with and without it, in turn.

    python tests/benchmarks/import_cost.py [--rounds 10]

Prints CPU time as ratios to ``import prefect`` with plugins off: with Prefect's plugin system alone (no plugin is
allowed), and with our plugin as the only one. The difference between the two is ours. Then the same with all
plugins that are installed, for some import Prefect's engines. CPU, not wall: other programs use the machine as well.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile

_ON = {"PREFECT_PLUGINS_ENABLED": "1"}
WAYS = {
    "plugins off": {},
    "on, none allowed": {**_ON, "PREFECT_PLUGINS_ALLOW": "none"},
    "on, ours alone": {**_ON, "PREFECT_PLUGINS_ALLOW": "prefect-lineage"},
    "on, all but ours": {**_ON, "PREFECT_PLUGINS_DENY": "prefect-lineage"},
    "on, all with ours": _ON,
}


def seconds(variables: dict[str, str], home: str) -> float:
    """User and system time of one process that imports Prefect."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", "import prefect"],
        env={**kept, "PREFECT_HOME": home, "DO_NOT_TRACK": "1", **variables},
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=10)
    rounds = arguments.parse_args().rounds
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as home:
        for number in range(rounds + 1):
            for way, variables in WAYS.items():
                took = seconds(variables, home)
                if number:  # the first round warms up
                    found[way].append(took)
    base = found["plugins off"]
    for way, times in found.items():
        ratio = statistics.median(mine / bare for mine, bare in zip(times, base, strict=True))
        print(f"{way:26} {ratio:.3f} times, {statistics.median(times) * 1000:5.0f} ms CPU")
    for without, ours in (("on, none allowed", "on, ours alone"), ("on, all but ours", "on, all with ours")):
        pairs = list(zip(found[ours], found[without], strict=True))
        added = statistics.median(mine - bare for mine, bare in pairs)
        ratio = statistics.median(mine / bare for mine, bare in pairs)
        print(f"{ours + ', our share':26} {ratio:.3f} times, {added * 1000:+.0f} ms")


if __name__ == "__main__":
    main()
