"""A flow that uses a library of which only its own plugin knows what it reads and writes.

pip install ./examples/plugin
prefect-lineage run examples/plugin/count.py
prefect-lineage show data/penguins.book
"""

import json
from importlib import resources
from pathlib import Path

import fieldbook
import pandas as pd
from prefect import flow, task


@task
def count(book: Path) -> Path:
    with resources.as_file(resources.files("palmerpenguins") / "data" / "penguins.csv") as source:
        fieldbook.write(pd.read_csv(source)["species"].value_counts().to_dict(), book)
    return book


@task
def report(book: Path) -> None:
    counts = fieldbook.read(book)
    Path("data/report.json").write_text(json.dumps({"animals": sum(counts.values())}))


@flow
def census() -> None:
    Path("data").mkdir(exist_ok=True)
    report(count(Path("data/penguins.book")))


if __name__ == "__main__":
    census()
