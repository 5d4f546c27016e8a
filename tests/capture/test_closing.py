"""Hashing a database takes away none of the locks that the process has on it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from prefect_lineage.capture.digests import Digester

TRY = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"


def is_locked(path: Path) -> bool:
    """For another process."""
    done = subprocess.run([sys.executable, "-c", TRY, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "database is locked" in done.stderr
    return done.returncode != 0


def test_a_users_lock_on_a_database_outlives_the_hashing_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    digester = Digester("blake3", 1 << 30)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        for number in range(3):
            connection.execute("INSERT INTO t VALUES (?)", (number,))  # other bytes, so hashed anew
            connection.execute("BEGIN IMMEDIATE")
            assert digester.of_file(str(path), "run") is not None
            assert is_locked(path)
            connection.execute("COMMIT")
    assert not is_locked(path)


def test_a_database_keeps_one_descriptor_and_other_files_none(tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    digester = Digester("blake3", 1 << 30)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
    (tmp_path / "plain.txt").write_text("x")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(3):
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("INSERT INTO t VALUES (?)", (number,))
        (tmp_path / "plain.txt").write_text(str(number))
        digester.of_file(str(path), "run")
        digester.of_file(str(tmp_path / "plain.txt"), "run")
    assert len(os.listdir("/proc/self/fd")) == before + 1
