"""A fourth list, written down after the third was mended, to see how much is found of what nobody has looked at: recall
1.00, precision 0.90, for one cache was taken for data.
"""

from __future__ import annotations

import asyncio
import bz2
import configparser
import json
import mailbox
import mmap
import os
import pickle
import plistlib
import runpy
import sqlite3
import subprocess
import sys
import urllib.request
import xml.sax
import zipfile
from pathlib import Path

from corpus_truth import truth


@truth("R in.db", "W dump.sql")
def sqlite_dumped_as_text(d: Path) -> None:
    connection = sqlite3.connect(d / "in.db")
    (d / "dump.sql").write_text("\n".join(connection.iterdump()))
    connection.close()


@truth("R in.csv", "W out.csv")
def python_by_asyncio(d: Path) -> None:
    async def main() -> None:
        code = "import shutil; shutil.copy('in.csv', 'out.csv')"
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=d)
        await child.wait()

    asyncio.run(main())


@truth("R in.csv", "W out.gz")
def programs_in_a_pipe(d: Path) -> None:
    with open(d / "out.gz", "wb") as out:
        first = subprocess.Popen(["cat", str(d / "in.csv")], stdout=subprocess.PIPE)
        subprocess.run(["gzip"], stdin=first.stdout, stdout=out, check=True)
        first.stdout.close()
        first.wait()


@truth("R in.json")
def urlopen_of_a_file(d: Path) -> None:
    with urllib.request.urlopen((d / "in.json").as_uri()) as answer:
        json.load(answer)


@truth("W final/part.csv")
def folder_renamed_when_complete(d: Path) -> None:
    (d / "work").mkdir()
    (d / "work" / "part.csv").write_text("a\n1\n")
    (d / "work").rename(d / "final")


@truth("R in.bin", "W in.bin")
def changed_through_a_map(d: Path) -> None:
    with open(d / "in.bin", "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:4] = b"abcd"


@truth("W mail.mbox")
def mail_box(d: Path) -> None:
    box = mailbox.mbox(d / "mail.mbox")
    box.add("From: a\n\nhello")
    box.close()


@truth("R in.ini", "R in.xml", "W out.plist")
def settings_of_several_kinds(d: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read([d / "in.ini", d / "absent.ini"])
    xml.sax.parse(str(d / "in.xml"), xml.sax.ContentHandler())
    with open(d / "out.plist", "wb") as file:
        plistlib.dump({"n": 1}, file)


@truth("W out.pkl.bz2")
def pickled_by_bz2(d: Path) -> None:
    with bz2.BZ2File(d / "out.pkl.bz2", "w") as file:
        pickle.dump([1], file)


@truth("W step.py", "R in.csv", "W out.csv")
def script_by_runpy(d: Path) -> None:
    (d / "step.py").write_text("open(out, 'w').write(open(source).read())\n")
    runpy.run_path(str(d / "step.py"), {"source": str(d / "in.csv"), "out": str(d / "out.csv")})


@truth("W report.zip")
def zip_of_texts(d: Path) -> None:
    with zipfile.ZipFile(d / "report.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "a")


@truth("R in.csv", "W link.txt")
def written_by_descriptors(d: Path) -> None:
    source, target = os.open(d / "in.csv", os.O_RDONLY), os.open(d / "link.txt", os.O_WRONLY | os.O_CREAT)
    os.sendfile(target, source, 0, 100)
    os.close(source)
    os.close(target)


@truth("R in.db", "W in.db", needs="pandas")
def frame_to_a_table_by_sqlite(d: Path) -> None:
    import pandas as pd

    with sqlite3.connect(d / "in.db") as connection:
        pd.DataFrame({"a": [1]}).to_sql("more", connection)
    connection.close()


@truth("R in.duckdb", "W exported/", needs="duckdb")
def duckdb_exports(d: Path) -> None:
    import duckdb

    with duckdb.connect(str(d / "in.duckdb"), read_only=True) as connection:
        connection.execute(f"export database '{d}/exported' (format parquet)")


@truth("R in.csv", "W made.parquet", needs="duckdb")
def duckdb_appends_in_memory(d: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute("create table t as select * from read_csv(?)", [str(d / "in.csv")])
    connection.execute("insert into t select * from t")
    connection.table("t").write_parquet(str(d / "made.parquet"))


@truth("R in.parquet", "W book.xlsx", needs="polars xlsxwriter")
def polars_of_an_open_file_to_excel(d: Path) -> None:
    import polars as pl

    with open(d / "in.parquet", "rb") as file:
        frame = pl.read_parquet(file)
    frame.write_excel(d / "book.xlsx")


@truth("R many_parquet/a.parquet", "R many_parquet/b.parquet", "W out.feather", needs="pyarrow")
def arrow_dataset_of_a_list(d: Path) -> None:
    import pyarrow.dataset as ds
    import pyarrow.feather

    files = [str(path) for path in sorted((d / "many_parquet").glob("*.parquet"))]
    pyarrow.feather.write_feather(ds.dataset(files).to_table(columns=["id"]), d / "out.feather")


@truth("R in.csv", "W out.csv", needs="pandas")
def pandas_csv_by_chunks_to_one_file(d: Path) -> None:
    import pandas as pd

    for number, chunk in enumerate(pd.read_csv(d / "in.csv", chunksize=20)):
        chunk.to_csv(d / "out.csv", mode="a" if number else "w", header=not number)


@truth(needs="joblib")
def joblib_memory_is_a_cache(d: Path) -> None:
    import joblib

    memory = joblib.Memory(d / "cache", verbose=0)
    memory.cache(len)([1, 2])


@truth("R in.csv", "W fig/a.png", "W fig/b.png", needs="matplotlib pandas")
def figures_in_a_folder(d: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import pandas as pd

    (d / "fig").mkdir()
    rows = pd.read_csv(d / "in.csv")
    for name in "ab":
        figure, axes = plt.subplots()
        axes.plot(rows["id"], rows["v"])
        figure.savefig(d / "fig" / f"{name}.png")
        plt.close(figure)
