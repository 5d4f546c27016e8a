"""pandas' own tests of its readers and writers, with capture off and with capture on inside a run: they must end alike.

    python tests/pandas_io/run.py [--only csv json …] [further arguments: for pytest]

The tests come with the wheel of pandas. With capture on, every test is one run, with all plugins. Prints
the counts and every test that ended otherwise; exit code 1 if one did.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARTS = {
    "csv": ["parser", "formats/test_to_csv.py", "test_common.py", "test_compression.py"],
    "parquet": ["test_parquet.py"],
    "json": ["json"],
    "excel": ["excel"],
    "pickle": ["test_pickle.py"],
    "feather": ["test_feather.py"],
    "orc": ["test_orc.py"],
    "stata": ["test_stata.py"],
    "html": ["test_html.py"],
    "xml": ["xml"],
}
DEFAULT = ["csv", "parquet", "json", "excel", "pickle", "feather"]
OUTSIDE = "not network and not db and not clipboard"
"""Tests that need more than this machine."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=DEFAULT)
    options, arguments = parser.parse_known_args()
    folder = _tests_of_pandas()
    failed = False
    print(f"{'':8} {'off':>34} {'on':>34}   ended otherwise")
    for part in options.only:
        paths = [str(folder / name) for name in PARTS[part]]
        off, on = (_outcomes(paths, captured=captured, arguments=arguments) for captured in (False, True))
        different = sorted(name for name in off.keys() | on.keys() if off.get(name) != on.get(name))
        print(f"{part:8} {_counts(off):>34} {_counts(on):>34}   {len(different)}", flush=True)
        for name in different:
            print(f"         {name}: {off.get(name)} -> {on.get(name)}")
        failed = failed or bool(different) or not off
    return int(failed)


def _tests_of_pandas() -> Path:
    found = importlib.util.find_spec("pandas")
    folder = Path(found.origin).parent / "tests" / "io" if found is not None and found.origin else None
    if folder is None or not folder.is_dir():
        sys.exit("pandas is not installed here, or without its tests.")
    return folder


def _outcomes(paths: list[str], *, captured: bool, arguments: list[str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="pandas-io-") as place:
        report = Path(place) / "report.json"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            "PYTHONPATH": os.pathsep.join([str(HERE), str(ROOT), str(ROOT / "hooks")]),
            "PANDAS_IO_REPORT": str(report),
            "PANDAS_IO_CAPTURED": str(int(captured)),
            "PREFECT_HOME": f"{place}/prefect",
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_LINEAGE_URL": f"sqlite:///{place}/lineage.db",
            "PREFECT_LINEAGE_JOURNAL_DIR": f"{place}/journal",
            "PREFECT_LINEAGE_ROOT": place,
        }
        command = [sys.executable, "-m", "pytest", "-p", "pandas_io_plugin", "-m", OUTSIDE, "-q", "--tb=no",
                   "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "ignore", *paths, *arguments]  # fmt: skip
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
        if not report.exists():
            sys.exit(f"pytest did not run:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return dict(json.loads(report.read_text()))


def _counts(outcomes: dict[str, str]) -> str:
    counted = Counter(outcomes.values())
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items(), reverse=True))


if __name__ == "__main__":
    sys.exit(main())
