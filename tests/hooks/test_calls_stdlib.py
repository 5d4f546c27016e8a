"""What calls of the standard library and of NumPy read and write, each with its truth."""

from __future__ import annotations

import bz2
import configparser
import csv
import fileinput
import gzip
import io
import json
import linecache
import logging
import lzma
import mmap
import os
import pickle
import shutil
import sys
import tarfile
import tempfile
import threading
import tomllib
import urllib.request
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, suppress
from pathlib import Path

import numpy as np
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import files, numpy_io, pandas_io

Call = Callable[[Path], object]
CASES: list[tuple[str, list[str], Call]] = []


def case(*truth: str) -> Callable[[Call], Call]:
    """Add a call with the lines that it must give."""

    def add(call: Call) -> Call:
        CASES.append((call.__name__, sorted(truth), call))
        return call

    return add


# -- opening ---------------------------------------------------------------------------------------


@case("R in.csv")
def open_and_read(data: Path) -> None:
    with open(data / "in.csv") as file:
        file.read()


@case("W out.txt")
def open_to_write(data: Path) -> None:
    with open(data / "out.txt", "w") as file:
        file.write("x")


@case("W out.txt")
def open_to_create(data: Path) -> None:
    with open(data / "out.txt", mode="x") as file:
        file.write("x")


@case("R in.txt", "W in.txt")
def open_to_append(data: Path) -> None:
    with open(data / "in.txt", "a") as file:
        file.write("1\n")


@case("W new.txt")
def append_to_a_new_file(data: Path) -> None:
    with open(data / "new.txt", "a") as file:
        file.write("1\n")


@case("R state.json", "W state.json")
def change_in_place(data: Path) -> None:
    with open(data / "state.json", "r+") as file:
        state = json.load(file)
        file.seek(0)
        json.dump({"n": state["n"] + 1}, file)


@case()
def open_what_is_missing(data: Path) -> None:
    with suppress(FileNotFoundError):
        open(data / "missing.csv")  # noqa: SIM115


@case()
def create_what_is_there(data: Path) -> None:
    with suppress(FileExistsError):
        open(data / "in.csv", "x")  # noqa: SIM115


@case("R in.csv")
def path_read_text(data: Path) -> None:
    (data / "in.csv").read_text()


@case("W out.bin")
def path_write_bytes(data: Path) -> None:
    (data / "out.bin").write_bytes(b"x")


@case("R in.csv")
def io_open(data: Path) -> None:
    io.open(os.fsencode(data / "in.csv")).close()  # noqa: UP020 - it is the alias that is tried


@case("R in.bin")
def os_open_and_read(data: Path) -> None:
    descriptor = os.open(data / "in.bin", os.O_RDONLY)
    os.read(descriptor, 8)
    os.close(descriptor)


@case("W out.bin")
def os_open_and_write(data: Path) -> None:
    descriptor = os.open(data / "out.bin", os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, b"8")
    os.close(descriptor)


@case("R in.bin")
def memory_mapped(data: Path) -> None:
    with open(data / "in.bin", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        view[:8]


# -- formats -----------------------------------------------------------------------------------------


@case("R in.json")
def json_load(data: Path) -> None:
    with open(data / "in.json") as file:
        json.load(file)


@case("W out.json")
def json_dump(data: Path) -> None:
    with open(data / "out.json", "w") as file:
        json.dump([1], file)


@case("W out.pkl")
def pickle_dump(data: Path) -> None:
    with open(data / "out.pkl", "wb") as file:
        pickle.dump({}, file)


@case("R in.pkl")
def pickle_load(data: Path) -> None:
    with open(data / "in.pkl", "rb") as file:
        pickle.load(file)


@case("R in.csv")
def csv_reader(data: Path) -> None:
    with open(data / "in.csv", newline="") as file:
        list(csv.reader(file))


@case("R in.txt.gz")
def gzip_open(data: Path) -> None:
    with gzip.open(data / "in.txt.gz") as file:
        file.read()


@case("W out.bz2", "W out.xz")
def other_compressions(data: Path) -> None:
    with bz2.open(data / "out.bz2", "w") as one, lzma.open(data / "out.xz", "w") as other:
        one.write(b"x")
        other.write(b"x")


@case("R in.zip")
def zipfile_read(data: Path) -> None:
    with zipfile.ZipFile(data / "in.zip") as archive:
        archive.read("in.csv")


@case("R in.csv", "R in.zip", "W in.zip")
def zipfile_append(data: Path) -> None:
    with zipfile.ZipFile(data / "in.zip", "a") as archive:
        archive.write(data / "in.csv", "again.csv")


@case("R in.zip", "W unpacked/in.csv")
def zipfile_extract(data: Path) -> None:
    with zipfile.ZipFile(data / "in.zip") as archive:
        archive.extractall(data / "unpacked")


@case("R in.csv", "W out.tar")
def tarfile_add(data: Path) -> None:
    with tarfile.open(data / "out.tar", "w") as archive:
        archive.add(data / "in.csv")


@case("R conf.toml", "R in.ini", "W out.xml")
def configuration_and_xml(data: Path) -> None:
    with open(data / "conf.toml", "rb") as file:
        tomllib.load(file)
    configparser.ConfigParser().read(data / "in.ini")
    ET.ElementTree(ET.Element("a")).write(data / "out.xml")
    ET.parse(data / "out.xml")


@case("R state.json", "W state.json")
def fileinput_in_place(data: Path) -> None:
    with fileinput.input(data / "state.json", inplace=True) as lines:
        for line in lines:
            sys.stdout.write(line.upper())


# -- copies, archives, links -------------------------------------------------------------------------


@case("R in.csv", "W out.csv")
def shutil_copy(data: Path) -> None:
    shutil.copy(data / "in.csv", data / "out.csv")


@case("R in.csv", "W many/in.csv")
def shutil_copy_into_a_directory(data: Path) -> None:
    shutil.copy2(str(data / "in.csv"), str(data / "many"))


@case("R in.csv", "W out.csv")
def shutil_copyfile(data: Path) -> None:
    shutil.copyfile(data / "in.csv", data / "out.csv")


@case("R in.csv", "W out.csv")
def shutil_copyfileobj(data: Path) -> None:
    with open(data / "in.csv", "rb") as source, open(data / "out.csv", "wb") as target:
        shutil.copyfileobj(source, target)


@case()
def copying_a_link_as_a_link(data: Path) -> None:
    shutil.copy(data / "link.csv", data / "link2.csv", follow_symlinks=False)


@case("R many", "W many2")
def shutil_copytree(data: Path) -> None:
    shutil.copytree(data / "many", data / "many2")


@case("R many", "W parts/a.txt", "W parts/b.txt")
def shutil_copytree_into_what_is_there(data: Path) -> None:
    shutil.copytree(data / "many", data / "parts", dirs_exist_ok=True)


@case("R in.csv", "W out.csv")
def shutil_move(data: Path) -> None:
    shutil.move(data / "in.csv", data / "out.csv")


@case("R many", "W out.tar.gz")
def shutil_make_archive(data: Path) -> None:
    shutil.make_archive(str(data / "out"), "gztar", data / "many")


@case("R in.zip", "W unpacked")
def shutil_unpack_archive(data: Path) -> None:
    shutil.unpack_archive(data / "in.zip", data / "unpacked")


@case("R in.tar", "W many/member.txt")
def shutil_unpack_archive_into_what_is_there(data: Path) -> None:
    shutil.unpack_archive(data / "in.tar", data / "many", filter="data")


@case("R in.csv", "W out.csv")
def os_link(data: Path) -> None:
    os.link(data / "in.csv", data / "out.csv")


@case("R in.csv", "W in.csv")
def os_truncate(data: Path) -> None:
    os.truncate(data / "in.csv", 3)


@case("R in.csv", "W out.csv")
def urlretrieve_of_a_local_file(data: Path) -> None:
    urllib.request.urlretrieve((data / "in.csv").as_uri(), data / "out.csv")


# -- renaming, removing, scratch -------------------------------------------------------------------------


@case("R in.csv", "W out.csv")
def os_rename(data: Path) -> None:
    os.rename(data / "in.csv", data / "out.csv")


@case("W out.json")
def a_temporary_name_then_replace(data: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=data, suffix=".tmp")
    with os.fdopen(descriptor, "w") as file:
        file.write("{}")
    os.replace(name, data / "out.json")


@case("W out.json")
def a_temporary_name_then_path_replace(data: Path) -> None:
    (data / "out.json.tmp").write_text("{}")
    (data / "out.json.tmp").replace(data / "out.json")


@case("R many", "W final")
def a_temporary_directory_then_rename(data: Path) -> None:
    (data / "tmp").mkdir()
    shutil.copytree(data / "many", data / "tmp" / "inner")
    os.rename(data / "tmp" / "inner", data / "final")


@case()
def os_remove(data: Path) -> None:
    os.remove(data / "in.csv")


@case()
def a_scratch_file(data: Path) -> None:
    (data / "scratch").write_text("x")
    (data / "scratch").read_text()
    (data / "scratch").unlink()


@case()
def named_temporary_file(data: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=data) as file:
        file.write(b"x")


@case("R in.csv")
def temporary_directory(data: Path) -> None:
    with tempfile.TemporaryDirectory(dir=data) as folder:
        shutil.copy(data / "in.csv", folder)
        (Path(folder) / "in.csv").read_text()


@case()
def rmtree_of_what_the_attempt_made(data: Path) -> None:
    (data / "made").mkdir()
    (data / "made" / "a").write_text("a")
    shutil.rmtree(data / "made")


# -- spellings --------------------------------------------------------------------------------------------


@case("R in.csv")
def a_symlink(data: Path) -> None:
    (data / "link.csv").read_text()


@case("R in.csv")
def three_spellings(data: Path) -> None:
    with chdir(data):
        Path("in.csv").read_text()
        Path("many/../in.csv").read_text()
        open(os.path.join(os.curdir, "link.csv")).close()


@case("W in.csv")
def writing_through_a_symlink(data: Path) -> None:
    (data / "link.csv").write_text("x")


# -- threads ----------------------------------------------------------------------------------------------


@case("R in.csv", "R in.json")
def a_thread_pool(data: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: (data / name).read_text(), ["in.csv", "in.json"]))


@case("R in.csv")
def a_thread(data: Path) -> None:
    thread = threading.Thread(target=(data / "in.csv").read_text)
    thread.start()
    thread.join()


# -- what is no data --------------------------------------------------------------------------------------


@case()
def buffers(data: Path) -> None:
    io.StringIO("a").read()
    np.load(io.BytesIO(_npy()))


@case()
def the_machine(data: Path) -> None:
    Path("/proc/self/status").read_text()
    Path(os.devnull).write_text("x")
    Path(np.__file__).read_text()
    os.listdir(data)


@case()
def log_files(data: Path) -> None:
    handler = logging.FileHandler(data / "run.log")
    handler.emit(logging.makeLogRecord({"msg": "x"}))
    handler.close()


@case()
def imports_and_tracebacks(data: Path) -> None:
    linecache.getlines(str(data / "in.txt"))
    linecache.clearcache()


# -- NumPy --------------------------------------------------------------------------------------------------


@case("R in.npy")
def numpy_load(data: Path) -> None:
    np.load(data / "in.npy")


@case("R in.npy")
def numpy_load_mapped(data: Path) -> None:
    np.load(data / "in.npy", mmap_mode="r")[:3].sum()


@case("R in.npz")
def numpy_load_archive(data: Path) -> None:
    with np.load(data / "in.npz") as archive:
        archive["v"]


@case("W out.npy", "W out.npz")
def numpy_save(data: Path) -> None:
    np.save(data / "out.npy", np.ones(3))
    np.savez(data / "out.npz", a=np.ones(3))


@case("R in.txt", "W out.txt")
def numpy_text(data: Path) -> None:
    np.savetxt(data / "out.txt", np.loadtxt(data / "in.txt"))


@case("R in.bin", "W out.bin")
def numpy_raw(data: Path) -> None:
    np.fromfile(data / "in.bin").tofile(data / "out.bin")


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones(2))
    return buffer.getvalue()


@pytest.mark.parametrize(("truth", "call"), [pytest.param(*rest, id=name) for name, *rest in CASES])
def test_a_call_is_seen_as_what_it_does(truth: list[str], call: Call, data: Path) -> None:
    with captured(files, numpy_io, pandas_io, root=data) as seen:
        call(data)
    assert seen.lines == truth
    assert not seen.problems
