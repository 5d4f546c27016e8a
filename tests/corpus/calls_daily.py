"""Calls as daily scripts make them, written down before any of them was run: recall 0.96, precision 0.98 then.

Of what differed, a merge into a Delta table had really been missed; ``linecache`` is left out, for tracebacks read by
it; and three truths were wrong: a link is the file that it names, a folder that is renamed is its files, and who reads
back what he wrote has no input.
"""

from __future__ import annotations

import asyncio
import bz2
import codecs
import concurrent.futures
import contextlib
import csv
import filecmp
import functools
import glob
import gzip
import hashlib
import heapq
import io
import itertools
import json
import lzma
import mmap
import os
import pickle
import pkgutil
import plistlib
import queue
import runpy
import shlex
import shutil
import sqlite3
import string
import subprocess
import sys
import tarfile
import tempfile
import threading
import tomllib
import zipfile
from multiprocessing.pool import ThreadPool
from pathlib import Path

from corpus_truth import truth


@truth("R in.txt", "W sums.txt")
def checksums(d: Path) -> None:
    with open(d / "in.txt", "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    (d / "sums.txt").write_text(f"{digest}  in.txt\n")


@truth("R in.csv", "W same.json")
def files_are_compared(d: Path) -> None:
    shutil.copyfile(d / "in.csv", d / "scratch.csv")
    same = filecmp.cmp(d / "in.csv", d / "scratch.csv", shallow=False)
    (d / "scratch.csv").unlink()
    (d / "same.json").write_text(json.dumps(same))
    (d / "link.csv").read_text()


@truth("R in.csv", "W in.tsv")
def sniffed_and_written(d: Path) -> None:
    with open(d / "in.csv", newline="") as source:
        dialect = csv.Sniffer().sniff(source.read(200))
        source.seek(0)
        rows = list(csv.reader(source, dialect))
    with open(d / "in.tsv", "w", newline="") as target:
        csv.writer(target, delimiter="\t").writerows(rows)


@truth("R in.csv.gz", "W again.csv.bz2")
def recompressed(d: Path) -> None:
    with gzip.open(d / "in.csv.gz", "rb") as source, bz2.open(d / "again.csv.bz2", "wb") as target:
        shutil.copyfileobj(source, target)


@truth("W set.plist", "R in.toml")
def settings_as_plist(d: Path) -> None:
    settings = tomllib.loads((d / "in.toml").read_text())
    with open(d / "set.plist", "wb") as file:
        plistlib.dump(settings, file)


@truth("R many/a.txt", "R many/b.txt", "W merged.txt")
def merged(d: Path) -> None:
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(open(name)) for name in sorted(glob.glob(f"{d}/many/*.txt"))]
        with open(d / "merged.txt", "w") as target:
            target.writelines(heapq.merge(*files))


@truth("R in.txt", "W utf16.txt")
def recoded(d: Path) -> None:
    with codecs.open(str(d / "in.txt"), encoding="utf-8") as source:
        text = source.read()
    with codecs.open(str(d / "utf16.txt"), "w", encoding="utf-16") as target:
        target.write(text)


@truth("R in.jsonl", "W parts/part-000.jsonl", "W parts/part-001.jsonl", "W parts/part-002.jsonl")
def cut_into_parts(d: Path) -> None:
    parts = d / "parts_new"
    parts.mkdir()
    with open(d / "in.jsonl") as file:
        for number, chunk in enumerate(iter(lambda: list(itertools.islice(file, 20)), [])):
            (parts / f"part-{number:03d}.jsonl").write_text("".join(chunk))
    shutil.rmtree(d / "parts", ignore_errors=True)
    parts.rename(d / "parts")


@truth("R in.csv", "W in.csv.xz")
def compressed_with_a_name_of_its_own(d: Path) -> None:
    (d / "in.csv.xz").write_bytes(lzma.compress((d / "in.csv").read_bytes()))


@truth("R in.json", "W in.json", "W in.json.bak")
def backed_up_then_edited(d: Path) -> None:
    shutil.copy2(d / "in.json", d / "in.json.bak")
    rows = json.loads((d / "in.json").read_text())
    with open(d / "in.json", "w") as file:
        json.dump(rows[:10], file)


@truth("R in.txt", "W log/run.txt", "W log/latest.txt")
def named_by_a_link(d: Path) -> None:
    (d / "log").mkdir()
    (d / "log" / "run.txt").write_text((d / "in.txt").read_text())
    os.link(d / "log" / "run.txt", d / "log" / "latest.txt")


@truth("R in.txt", "W counted.txt")
def piped_through_awk(d: Path) -> None:
    command = f"cat {shlex.quote(str(d / 'in.txt'))} | wc -l > {shlex.quote(str(d / 'counted.txt'))}"
    subprocess.run(command, shell=True, check=True)


@truth("R in.csv", "W sorted.csv")
def sorted_by_a_program(d: Path) -> None:
    subprocess.check_call(["sort", "-o", str(d / "sorted.csv"), str(d / "in.csv")])


@truth("R in.tar", "W member.txt")
def extracted_by_a_program(d: Path) -> None:
    subprocess.run(["tar", "-xf", "in.tar", "member.txt"], cwd=d, check=True)


@truth("R in.csv", "W head.csv")
def head_by_a_program(d: Path) -> None:
    with open(d / "head.csv", "w") as out:
        out.write(subprocess.check_output(["head", "-n", "5", str(d / "in.csv")], text=True))


@truth("R many/a.txt", "R many/b.txt", "W many.json")
def by_a_pool_of_threads(d: Path) -> None:
    with ThreadPool(2) as pool:
        texts = pool.map(lambda path: path.read_text(), sorted((d / "many").iterdir()))
    (d / "many.json").write_text(json.dumps(texts))


@truth("R in.txt", "W worked.txt")
def worker_with_a_queue(d: Path) -> None:
    wanted: queue.Queue[Path | None] = queue.Queue()

    def work() -> None:
        while (path := wanted.get()) is not None:
            (d / "worked.txt").write_text(path.read_text().upper())

    thread = threading.Thread(target=work)
    thread.start()
    wanted.put(d / "in.txt")
    wanted.put(None)
    thread.join()


@truth("R many/a.txt", "R many/b.txt", "W gathered.txt")
def gathered(d: Path) -> None:
    async def read(path: Path) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, path.read_text)

    async def main() -> list[str]:
        return await asyncio.gather(*(read(path) for path in sorted((d / "many").iterdir())))

    (d / "gathered.txt").write_text("".join(asyncio.run(main())))


@truth("R in.csv")
def remembered(d: Path) -> None:
    @functools.cache
    def rows() -> list[str]:
        return (d / "in.csv").read_text().splitlines()

    rows()
    rows()


@truth("R in.csv", "W filled.txt", "W template.txt")
def template_of_its_own(d: Path) -> None:
    (d / "template.txt").write_text("$n rows")
    rows = len((d / "in.csv").read_text().splitlines())
    template = string.Template((d / "template.txt").read_text())
    (d / "filled.txt").write_text(template.substitute(n=rows))


@truth("W made.zip", "R many/a.txt", "R many/b.txt")
def zipped_in_memory(d: Path) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((d / "many").iterdir()):
            archive.writestr(path.name, path.read_bytes())
    (d / "made.zip").write_bytes(memory.getvalue())


@truth("R in.tar", "W from_tar.txt")
def member_of_a_tar(d: Path) -> None:
    with tarfile.open(d / "in.tar") as archive:
        member = archive.extractfile("member.txt")
        assert member is not None
        (d / "from_tar.txt").write_bytes(member.read())


@truth("R in.db", "W rows.json")
def rows_of_a_database(d: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{d}/in.db?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("select * from src")]
    (d / "rows.json").write_text(json.dumps(rows))


@truth("W new.db", "R in.csv")
def database_of_a_csv(d: Path) -> None:
    with open(d / "in.csv", newline="") as file, contextlib.closing(sqlite3.connect(d / "new.db")) as db, db:
        db.execute("create table t (id, g, v)")
        db.executemany("insert into t values (:id, :g, :v)", csv.DictReader(file))


@truth("R in.db", "W in.db")
def table_is_emptied(d: Path) -> None:
    with contextlib.closing(sqlite3.connect(d / "in.db")) as connection, connection:
        connection.execute("delete from src where id = 1")


@truth("R in.npz", "W means.npy", needs="numpy")
def archive_to_means(d: Path) -> None:
    import numpy as np

    with np.load(d / "in.npz") as archive:
        np.save(d / "means", np.array([archive[name].mean() for name in archive.files]))


@truth("R in.txt", "W doubled.txt", needs="numpy")
def text_doubled(d: Path) -> None:
    import numpy as np

    np.savetxt(str(d / "doubled.txt"), 2 * np.genfromtxt(str(d / "in.txt")))


@truth("R in.csv", "W weekly.parquet", "W weekly.csv", needs="pandas pyarrow")
def grouped_twice_written(d: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(d / "in.csv", usecols=["g", "v"], dtype={"g": "category"})
    means = frame.groupby("g", observed=True).mean().reset_index()
    means.to_parquet(d / "weekly.parquet", compression="gzip", index=False)
    means.to_csv(d / "weekly.csv", index=False, sep=";")


@truth("R in.csv", "R in.parquet", "W report.xlsx", needs="pandas pyarrow openpyxl")
def report_of_two_sheets(d: Path) -> None:
    import pandas as pd

    with pd.ExcelWriter(d / "report.xlsx", engine="openpyxl") as book:
        pd.read_csv(d / "in.csv").to_excel(book, sheet_name="csv")
        pd.read_parquet(d / "in.parquet", columns=["v"]).to_excel(book, sheet_name="parquet")


@truth("R in.jsonl", "W in_parts/", needs="pandas pyarrow")
def lines_to_partitions(d: Path) -> None:
    import pandas as pd

    pd.read_json(d / "in.jsonl", lines=True).to_parquet(
        d / "in_parts", partition_cols=["g"], engine="pyarrow"
    )


@truth("R parts/", needs="pandas pyarrow")
def partitions_are_filtered(d: Path) -> None:
    import pandas as pd

    pd.read_parquet(d / "parts", filters=[("g", "=", "g1")])


@truth("R in.csv", "W cleaned.csv", needs="pandas")
def cleaned_through_memory(d: Path) -> None:
    import pandas as pd

    text = (d / "in.csv").read_text().replace("g0", "none")
    frame = pd.read_csv(io.StringIO(text), na_values=["none"]).dropna()
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False)
    with open(d / "cleaned.csv", "w") as file:
        file.write(buffer.getvalue())


@truth("R in.csv", "W stats.json", "W stats.md", "W stats.html", needs="pandas")
def described(d: Path) -> None:
    import pandas as pd

    stats = pd.read_csv(d / "in.csv").describe()
    stats.to_json(d / "stats.json", orient="split", indent=2)
    stats.to_html(d / "stats.html")
    (d / "stats.md").write_text(stats.to_string())


@truth("R in.zip", "W unzipped.parquet", needs="pandas pyarrow")
def member_of_a_zip_to_parquet(d: Path) -> None:
    import pandas as pd

    with zipfile.ZipFile(d / "in.zip") as archive, archive.open("in.csv") as member:
        pd.read_csv(member).to_parquet(d / "unzipped.parquet")


@truth("R in.csv", "W in.db", "R in.db", needs="pandas")
def table_replaced_in_a_database(d: Path) -> None:
    import pandas as pd

    with contextlib.closing(sqlite3.connect(d / "in.db")) as connection:
        pd.read_csv(d / "in.csv").to_sql("src", connection, if_exists="replace", index=False)
        connection.commit()


@truth("R in.parquet", "W out/", needs="polars")
def polars_by_group(d: Path) -> None:
    import polars as pl

    pl.read_parquet(d / "in.parquet").write_parquet(d / "out", partition_by="g", mkdir=True)


@truth("R in.csv", "W lazy.ipc", "W lazy.csv", needs="polars")
def polars_two_sinks(d: Path) -> None:
    import polars as pl

    plan = pl.scan_csv(d / "in.csv").with_columns(w=pl.col("v") * 2)
    plan.sink_ipc(d / "lazy.ipc")
    plan.sink_csv(d / "lazy.csv")


@truth("R in.csv", "R in.jsonl", "W joined.parquet", needs="duckdb")
def duckdb_join_to_parquet(d: Path) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"create temp table a as select * from read_csv_auto('{d}/in.csv');"
            f"create view b as select * from read_json_auto('{d}/in.jsonl');"
        )
        connection.execute(f"copy (select a.* from a join b using (id)) to '{d}/joined.parquet'")


@truth("R in.parquet", "W summary.csv", needs="duckdb pandas")
def duckdb_to_frame_to_csv(d: Path) -> None:
    import duckdb

    frame = duckdb.query(
        "select g, avg(v) v from read_parquet(?) group by g", params=[f"{d}/in.parquet"]
    ).df()
    frame.to_csv(d / "summary.csv", index=False)


@truth("R in.parquet", "W rows.arrow", needs="pyarrow")
def arrow_to_ipc(d: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(d / "in.parquet", columns=["id", "v"])
    with pa.OSFile(str(d / "rows.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


@truth("R parts/", "W one.parquet", needs="pyarrow")
def arrow_dataset_compacted(d: Path) -> None:
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    pq.write_table(ds.dataset(d / "parts", partitioning="hive").to_table(), d / "one.parquet")


@truth("R in.h5", "W out.h5", needs="h5py")
def h5_copied_with_attributes(d: Path) -> None:
    import h5py

    with h5py.File(d / "in.h5") as source, h5py.File(d / "out.h5", "w") as target:
        source.copy("v", target)
        target.attrs["made"] = "today"


@truth("R in.zarr/", "W mean.zarr/", needs="xarray zarr")
def zarr_mean(d: Path) -> None:
    import xarray as xr

    xr.open_zarr(d / "in.zarr", chunks=None).mean().to_zarr(d / "mean.zarr")


@truth("R in.png", "W thumbs/in.webp", needs="PIL")
def thumbnails(d: Path) -> None:
    from PIL import Image, ImageOps

    (d / "thumbs").mkdir()
    with Image.open(d / "in.png") as image:
        ImageOps.fit(image, (2, 2)).save(d / "thumbs" / "in.webp", quality=80)


@truth("W chart.svg", "W chart.pdf", "R in.csv", needs="matplotlib pandas")
def chart_in_two_formats(d: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import pandas as pd
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    pd.read_csv(d / "in.csv").plot(x="id", y="v", ax=axes)
    for ending in ("svg", "pdf"):
        figure.savefig(d / f"chart.{ending}")
    plt.close(figure)


@truth("R in.csv", "W model.joblib", "W scores.json", needs="sklearn joblib pandas")
def grid_search(d: Path) -> None:
    import joblib
    import pandas as pd
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    frame = pd.read_csv(d / "in.csv")
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, n_jobs=1).fit(frame[["id"]], frame["v"])
    joblib.dump(search.best_estimator_, d / "model.joblib", compress=3)
    (d / "scores.json").write_text(json.dumps(search.cv_results_["mean_test_score"].tolist()))


@truth("R in.pkl", "W predicted.npy", needs="pandas numpy")
def pickle_to_array(d: Path) -> None:
    import numpy as np

    with (d / "in.pkl").open("rb") as file:
        frame = pickle.load(file)
    with (d / "predicted.npy").open("wb") as file:
        np.save(file, frame["v"].to_numpy())


@truth("R in.delta/", "W in.delta/", needs="deltalake pyarrow")
def delta_is_merged(d: Path) -> None:
    import deltalake
    import pyarrow as pa

    table = deltalake.DeltaTable(d / "in.delta")
    merge = table.merge(pa.table({"a": [1, 2]}), "s.a = t.a", source_alias="s", target_alias="t")
    merge.when_not_matched_insert_all().execute()


@truth("R in.yaml", "W in.json", needs="yaml")
def yaml_to_json(d: Path) -> None:
    import yaml

    with open(d / "in.yaml") as source, open(d / "in.json", "w") as target:
        json.dump(yaml.safe_load(source), target)


@truth("W package/__init__.py", "W package/data.txt")
def data_of_a_package(d: Path) -> None:
    (d / "package").mkdir()
    (d / "package" / "__init__.py").write_text("")
    (d / "package" / "data.txt").write_text("1")
    sys.path.insert(0, str(d))
    try:
        pkgutil.get_data("package", "data.txt")
    finally:
        sys.path.remove(str(d))
        sys.modules.pop("package", None)


@truth("W step.py", "R in.txt", "W stepped.txt")
def step_by_runpy(d: Path) -> None:
    (d / "step.py").write_text(
        "import pathlib, sys\nd = pathlib.Path(sys.argv[1])\n"
        "(d / 'stepped.txt').write_text((d / 'in.txt').read_text())\n"
    )
    before = sys.argv
    sys.argv = ["step.py", str(d)]
    try:
        runpy.run_path(str(d / "step.py"), run_name="__main__")
    finally:
        sys.argv = before


@truth("R in.bin", "W in.bin", needs="numpy")
def changed_by_mmap(d: Path) -> None:
    with open(d / "in.bin", "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[:8] = bytes(8)
        view.flush()


@truth("R in.txt", "W upper.txt")
def spooled(d: Path) -> None:
    with tempfile.SpooledTemporaryFile(max_size=4, mode="w+", dir=d) as file:
        file.write((d / "in.txt").read_text())
        file.seek(0)
        (d / "upper.txt").write_text(file.read().upper())


@truth("R in.txt", "W by_process.txt")
def by_a_process_pool(d: Path) -> None:
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        text = pool.submit(Path.read_text, d / "in.txt").result()
    (d / "by_process.txt").write_text(text)
