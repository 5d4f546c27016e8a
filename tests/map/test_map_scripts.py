"""The page's scripts, run by node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent / "js"
NODE = shutil.which("node")


@pytest.mark.skipif(
    NODE is None, reason="no node on this machine: the scripts are tested in the browser only"
)
def test_the_scripts_pass_their_own_tests() -> None:
    assert NODE is not None
    files = sorted(str(path) for path in TESTS.glob("*.test.mjs"))
    done = subprocess.run([NODE, "--test", *files], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
