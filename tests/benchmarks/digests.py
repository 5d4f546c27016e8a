"""What a digest costs: one large file, 100,000 small ones, and files that are known already.

    python tests/benchmarks/digests.py
    python tests/benchmarks/digests.py --bytes 1073741824 --files 100000 --algorithm sha256

Everything is measured in turns, in one run, with the files in the page cache, in seconds of the processor (of this
process and of the tools), so that other work on the machine counts little; the ratios are of the fastest turns. The
limits to compare with are a bare loop of read and hash in Python, b3sum (or sha256sum) if it is installed, and, for
known files, a bare ``os.stat``. The last line of the output is JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect_lineage.capture.digests import Digester
from prefect_lineage.capture.fingerprints import fingerprint
from prefect_lineage.capture.seen import see

_BLOCK = 1 << 20
_REMEMBERED = 15_000
"""Known files that are measured: a process remembers some more of them."""


def _hasher(algorithm: str) -> Any:
    if algorithm == "sha256":
        return hashlib.sha256()
    from blake3 import blake3

    return blake3()


def _bare(path: Path, algorithm: str) -> str:
    """Read and hash, and nothing else."""
    hasher, buffer = _hasher(algorithm), memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            hasher.update(buffer[:size])
    return str(hasher.hexdigest())


def _fastest(turns: int, measured: dict[str, Callable[[], object]]) -> dict[str, float]:
    """CPU seconds of the fastest of some turns, taken alternately."""
    best = dict.fromkeys(measured, float("inf"))
    for _ in range(turns):
        for name, act in measured.items():
            begun = _spent()
            act()
            best[name] = min(best[name], _spent() - begun)
    return best


def _spent() -> float:
    tools = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + tools.ru_utime + tools.ru_stime


def _tool(algorithm: str) -> list[str] | None:
    program = {"blake3": "b3sum", "sha256": "sha256sum"}[algorithm]
    if shutil.which(program) is None:
        print(f"{program} is not installed, so it is not compared with")
        return None
    return [program, "--num-threads", "1"] if program == "b3sum" else [program]


def _of_one_file(path: Path, algorithm: str, turns: int) -> dict[str, float]:
    def ours() -> None:
        Digester(algorithm, limit=1 << 60).of_file(str(path), "run")

    def later() -> None:
        seen = see(str(path), fingerprint(str(path)), "")
        Digester(algorithm, limit=1 << 60).of_seen(seen, "run")
        seen.release()

    measured: dict[str, Callable[[], object]] = {
        "ours": ours,
        "ours, from a descriptor held": later,
        "read and hash": lambda: _bare(path, algorithm),
    }
    command = _tool(algorithm)
    if command is not None:
        measured[command[0]] = lambda: subprocess.run(
            [*command, str(path)], check=True, stdout=subprocess.DEVNULL
        )
    return _fastest(turns, measured)


def _of_many(paths: list[Path], algorithm: str, turns: int) -> dict[str, float]:
    names = [str(path) for path in paths]
    time.sleep(0.1)  # younger files are not known by their times
    known, some = Digester(algorithm), names[:_REMEMBERED]
    for name in some:
        known.of_file(name, "run")
    folder = str(paths[0].parent)

    def ours() -> None:
        digester = Digester(algorithm)
        for name in names:
            digester.of_file(name, "run")

    return _fastest(
        turns,
        {
            "ours": ours,
            "ours, as one directory": lambda: Digester(algorithm).of_file(folder, "run"),
            "read and hash": lambda: [_bare(path, algorithm) for path in paths],
            "ours, known": lambda: [known.of_file(name, "run") for name in some],
            "stat": lambda: [os.stat(name) for name in some],
        },
    )


def _made(folder: Path, size: int, files: int) -> tuple[Path, list[Path]]:
    large = folder / "large"
    block = os.urandom(_BLOCK)
    with large.open("wb") as file:
        for _ in range(max(size // _BLOCK, 1)):
            file.write(block)
    (folder / "many").mkdir()
    small = [folder / "many" / f"{number:06}" for number in range(files)]
    for path in small:
        path.write_bytes(block[: 1 + hash(path.name) % 4096])
    return large, small


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bytes", type=int, default=1 << 30)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--algorithm", choices=["blake3", "sha256"], default="blake3")
    parser.add_argument("--folder", type=Path, help="Default: a temporary one.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="digests-", dir=given.folder) as folder:
        large, small = _made(Path(folder), given.bytes, given.files)
        one = _of_one_file(large, given.algorithm, given.turns)
        many = _of_many(small, given.algorithm, given.turns)
        size = large.stat().st_size
    for name, seconds in one.items():
        ratio = seconds / one["read and hash"]
        print(f"{size >> 20} MiB, {name}: {seconds:.2f} s CPU, {size / seconds / 1e9:.2f} GB/s, {ratio:.2f}")
    hashed = many["read and hash"] / len(small)
    for name, seconds in many.items():
        number = min(len(small), _REMEMBERED) if name in {"ours, known", "stat"} else len(small)
        print(
            f"{number} files, {name}: {seconds / number * 1e6:.1f} us a file, {seconds / number / hashed:.2f}"
        )
    print(json.dumps({"large": one, "many": many, "bytes": size, "files": len(small)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
