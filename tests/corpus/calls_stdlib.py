"""The standard library: files in all modes, archives, databases, other programs."""

from __future__ import annotations

import bz2
import concurrent.futures
import configparser
import csv
import dbm.dumb
import fileinput
import glob
import gzip
import io
import json
import lzma
import mmap
import os
import pickle
import shelve
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
import tomllib
import wave
import xml.etree.ElementTree as ET
import zipfile
from io import FileIO
from pathlib import Path

from corpus_truth import truth


@truth("R in.csv")
def open_reads(d: Path) -> None:
    open(d / "in.csv").read()


@truth("R in.csv")
def open_by_keyword(d: Path) -> None:
    with open(file=str(d / "in.csv"), mode="rb") as file:
        file.readlines()


@truth("W out.txt")
def open_exclusive(d: Path) -> None:
    with open(d / "out.txt", "x") as file:
        file.write("new")


@truth("R in.txt", "W in.txt")
def open_appends_to_what_is_there(d: Path) -> None:
    with open(d / "in.txt", "a") as file:
        file.write("1\n")


@truth("W log.txt")
def open_appends_to_nothing(d: Path) -> None:
    for line in range(3):
        with open(d / "log.txt", "a") as file:
            file.write(f"{line}\n")


@truth("R state.json", "W state.json")
def open_in_place(d: Path) -> None:
    with open(d / "state.json", "r+") as file:
        state = json.load(file)
        state["n"] += 1
        file.seek(0)
        json.dump(state, file)


@truth()
def open_fails(d: Path) -> None:
    try:
        open(d / "absent.csv")
    except FileNotFoundError:
        pass


@truth()
def open_for_writing_fails(d: Path) -> None:
    try:
        open(d / "no such folder" / "x", "w")
    except FileNotFoundError:
        pass


def _first_line(path: Path, opening=open) -> str:  # bound before any capture is on
    with opening(path) as file:
        return file.readline()


@truth("R in.csv")
def open_as_a_default_argument(d: Path) -> None:
    _first_line(d / "in.csv")


@truth("R in.bin")
def fileio(d: Path) -> None:
    with io.FileIO(d / "in.bin") as file:
        file.read(8)


@truth("W out.bin")
def fileio_bound_early_writes(d: Path) -> None:
    with FileIO(d / "out.bin", "w") as file:
        file.write(b"8")


@truth("R in.bin")
def open_code(d: Path) -> None:
    with io.open_code(str(d / "in.bin")) as file:
        file.read()


@truth("R in.csv", "W out.csv")
def path_methods(d: Path) -> None:
    (d / "out.csv").write_bytes((d / "in.csv").read_bytes())


@truth("W empty.flag")
def path_touch(d: Path) -> None:
    (d / "empty.flag").touch()


@truth("R in.bin")
def os_open_reads(d: Path) -> None:
    descriptor = os.open(d / "in.bin", os.O_RDONLY)
    os.read(descriptor, 8)
    os.close(descriptor)


@truth("W out.bin")
def os_open_writes(d: Path) -> None:
    descriptor = os.open(d / "out.bin", os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, b"x")
    os.close(descriptor)


@truth("R many/a.txt")
def os_open_in_a_folder(d: Path) -> None:
    folder = os.open(d / "many", os.O_RDONLY | os.O_DIRECTORY)
    descriptor = os.open("a.txt", os.O_RDONLY, dir_fd=folder)
    os.read(descriptor, 8)
    os.close(descriptor)
    os.close(folder)


@truth("R in.bin")
def fdopen(d: Path) -> None:
    with os.fdopen(os.open(d / "in.bin", os.O_RDONLY), "rb") as file:
        file.read()


@truth("R in.csv")
def relative_after_chdir(d: Path) -> None:
    before = os.getcwd()
    os.chdir(d)
    try:
        list(csv.reader(open("./many/../in.csv")))
    finally:
        os.chdir(before)


@truth("R in.csv")
def through_a_symlink(d: Path) -> None:
    with open(d / "link.csv") as file:
        list(csv.DictReader(file))


@truth("R many/a.txt", "R many/b.txt")
def a_glob(d: Path) -> None:
    for path in sorted(glob.glob(str(d / "many" / "*.txt"))):
        open(path).read()


@truth("R many/a.txt", "R many/b.txt")
def fileinput_over_files(d: Path) -> None:
    with fileinput.input([d / "many" / "a.txt", d / "many" / "b.txt"]) as lines:
        list(lines)


@truth("R in.ini", "W out.ini")
def configparser_files(d: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read([str(d / "in.ini"), str(d / "absent.ini")])
    with open(d / "out.ini", "w") as file:
        parser.write(file)


@truth("R in.toml")
def toml(d: Path) -> None:
    with open(d / "in.toml", "rb") as file:
        tomllib.load(file)


@truth("R in.xml", "W out.xml")
def element_tree(d: Path) -> None:
    ET.parse(d / "in.xml").write(d / "out.xml")


@truth("W out.wav")
def wave_writes(d: Path) -> None:
    with wave.open(str(d / "out.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\0" * 8)


@truth("W out.pkl")
def pickle_dump(d: Path) -> None:
    with open(d / "out.pkl", "wb") as file:
        pickle.dump({}, file)


@truth("R in.csv.gz", "W out.gz", "W out.bz2", "W out.xz")
def compressed(d: Path) -> None:
    data = gzip.open(d / "in.csv.gz").read()
    with gzip.open(d / "out.gz", "wt") as text:
        text.write(data.decode())
    with bz2.open(d / "out.bz2", "wb") as packed:
        packed.write(data)
    with lzma.open(d / "out.xz", "wb") as packed:
        packed.write(data)


@truth("R in.csv", "W out.zip")
def zip_is_written(d: Path) -> None:
    with zipfile.ZipFile(d / "out.zip", "w") as archive:
        archive.write(d / "in.csv", "in.csv")
        archive.writestr("more.txt", "more")


@truth("R in.zip")
def zip_member(d: Path) -> None:
    with zipfile.ZipFile(d / "in.zip") as archive, archive.open("in.csv") as member:
        member.read()


@truth("R in.zip", "W in.zip")
def zip_grows(d: Path) -> None:
    with zipfile.ZipFile(d / "in.zip", "a") as archive:
        archive.writestr("more.txt", "more")


@truth("R in.zip", "W unpacked/in.csv")
def zip_is_extracted(d: Path) -> None:
    with zipfile.ZipFile(d / "in.zip") as archive:
        archive.extractall(d / "unpacked")


@truth("R in.csv", "W out.tar.gz")
def tar_is_written(d: Path) -> None:
    with tarfile.open(d / "out.tar.gz", "w:gz") as archive:
        archive.add(d / "in.csv", "in.csv")


@truth("R in.tar", "W unpacked/member.txt")
def tar_is_extracted(d: Path) -> None:
    with tarfile.open(d / "in.tar") as archive:
        archive.extractall(d / "unpacked", filter="data")


@truth("R many/", "W out.zip")
def archive_of_a_folder(d: Path) -> None:
    shutil.make_archive(str(d / "out"), "zip", d / "many")


@truth("R in.csv", "W out.csv")
def shutil_copy(d: Path) -> None:
    shutil.copy2(d / "in.csv", d / "out.csv")


@truth("R in.csv", "W many/in.csv")
def shutil_copy_into_a_folder(d: Path) -> None:
    shutil.copy(d / "in.csv", d / "many")


@truth("R many/", "W copy/")
def shutil_copytree(d: Path) -> None:
    shutil.copytree(d / "many", d / "copy")


@truth("R in.csv", "W out.csv")
def shutil_copyfileobj(d: Path) -> None:
    with open(d / "in.csv", "rb") as source, open(d / "out.csv", "wb") as target:
        shutil.copyfileobj(source, target)


@truth("R in.csv", "W moved.csv", "D in.csv")
def shutil_move(d: Path) -> None:
    shutil.move(d / "in.csv", d / "moved.csv")


@truth("R in.csv", "W moved.csv", "D in.csv")
def path_rename(d: Path) -> None:
    (d / "in.csv").rename(d / "moved.csv")


@truth("W out.json")
def written_aside_and_renamed(d: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=d, suffix=".tmp")
    with os.fdopen(descriptor, "w") as file:
        json.dump([], file)
    os.replace(name, d / "out.json")


@truth("R in.csv", "D in.csv")
def read_and_removed(d: Path) -> None:
    (d / "in.csv").read_text()
    os.remove(d / "in.csv")


@truth("R many/a.txt", "D many/a.txt")
def tree_removed(d: Path) -> None:
    (d / "many" / "a.txt").read_text()
    shutil.rmtree(d / "many")


@truth()
def scratch_file(d: Path) -> None:
    (d / "scratch").write_text("x")
    (d / "scratch").read_text()
    (d / "scratch").unlink()


@truth()
def temporary_files(d: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=d) as file:
        file.write(b"x")
    with tempfile.TemporaryFile(dir=d) as file:
        file.write(b"x")
    with tempfile.TemporaryDirectory(dir=d) as folder:
        (Path(folder) / "a").write_text("x")
    with tempfile.SpooledTemporaryFile(max_size=1) as spooled:
        spooled.write(b"xxx")


@truth("R in.csv", "W hard.csv")
def hard_link(d: Path) -> None:
    os.link(d / "in.csv", d / "hard.csv")


@truth("R in.bin")
def memory_map(d: Path) -> None:
    with open(d / "in.bin", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        mapped[:8]


@truth("R in.csv", "R state.json")
def in_a_thread_pool(d: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda path: open(path).read(), [d / "in.csv", d / "state.json"]))


@truth("R in.csv")
def in_a_thread(d: Path) -> None:
    thread = threading.Thread(target=lambda: open(d / "in.csv").read())
    thread.start()
    thread.join()


@truth("R in.csv", "W out.csv")
def another_program_copies(d: Path) -> None:
    subprocess.run(["cp", str(d / "in.csv"), str(d / "out.csv")], check=True)


@truth("R in.csv", "W out.csv")
def another_program_writes_to_a_file_of_ours(d: Path) -> None:
    with open(d / "out.csv", "w") as out:
        subprocess.run(["sort", str(d / "in.csv")], stdout=out, check=True)


@truth("R in.csv", "W out.csv")
def a_shell_redirects(d: Path) -> None:
    subprocess.run("sort < in.csv > out.csv", shell=True, check=True, cwd=d)


@truth()
def a_program_without_data(d: Path) -> None:
    subprocess.run([sys.executable, "-c", "print(1)"], check=True, capture_output=True)


@truth("W out.db")
def sqlite_is_made(d: Path) -> None:
    connection = sqlite3.connect(d / "out.db")
    connection.execute("create table t (a)")
    connection.execute("insert into t values (1)")
    connection.commit()
    connection.close()


@truth("R in.db")
def sqlite_is_asked(d: Path) -> None:
    with sqlite3.connect(f"file:{d}/in.db?mode=ro", uri=True) as connection:
        connection.execute("select * from src").fetchall()
    connection.close()


@truth("R in.db", "W in.db")
def sqlite_is_changed(d: Path) -> None:
    with sqlite3.connect(d / "in.db") as connection:
        connection.execute("insert into dst select * from src")
    connection.close()


@truth()
def sqlite_in_memory(d: Path) -> None:
    sqlite3.connect(":memory:").execute("create table t (a)").connection.close()


@truth("W out.shelf.dat", "W out.shelf.dir", "W out.shelf.bak")
def dumb_dbm(d: Path) -> None:
    with dbm.dumb.open(str(d / "out.shelf"), "c") as base:
        base[b"k"] = b"v"


@truth("R in.shelf.dat", "R in.shelf.dir")
def shelf_is_read(d: Path) -> None:
    with shelve.Shelf(dbm.dumb.open(str(d / "in.shelf"), "r")) as shelf:
        shelf["k"]


@truth(
    *("R in.shelf.dat", "R in.shelf.dir", "W in.shelf.dat", "W in.shelf.dir", "W in.shelf.bak"),
)
def shelf_is_changed(d: Path) -> None:
    with shelve.Shelf(dbm.dumb.open(str(d / "in.shelf"))) as shelf:
        shelf["k"] = 2


@truth()
def nothing_but_memory(d: Path) -> None:
    io.StringIO("a\n1").read()
    io.BytesIO(b"x").getvalue()
    json.loads("{}")


@truth()
def an_import_and_time_zones(d: Path) -> None:
    import colorsys  # noqa: F401 - rarely loaded before
    import datetime
    import zoneinfo

    datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Tokyo"))


@truth()
def a_log_file(d: Path) -> None:
    import logging

    handler = logging.FileHandler(d / "app.log")
    logger = logging.getLogger("corpus")
    logger.addHandler(handler)
    logger.warning("hello")
    logger.removeHandler(handler)
    handler.close()


@truth("W out.txt")
def print_to_a_file(d: Path) -> None:
    with (d / "out.txt").open("w", encoding="utf-8") as file:
        print("hello", file=file)


@truth("R in.txt", "W in.txt")
def truncated(d: Path) -> None:
    os.truncate(d / "in.txt", 4)


@truth("W a/b/out.txt")
def in_new_folders(d: Path) -> None:
    (d / "a" / "b").mkdir(parents=True)
    (d / "a" / "b" / "out.txt").write_text("x")
