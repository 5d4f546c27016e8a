"""An ordinary Prefect flow on real data: nothing in it knows of lineage.

    prefect-lineage run examples/zero_code.py
    prefect-lineage upstream models/penguins.joblib

Everything is written below the working directory.
"""

import json
import shutil
from importlib import resources
from pathlib import Path

import joblib
import pandas as pd
from prefect import flow, task
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


@task
def extract() -> Path:
    raw = Path("data/penguins.csv")
    with resources.as_file(resources.files("palmerpenguins") / "data" / "penguins.csv") as source:
        shutil.copy(source, raw)
    return raw


@task
def clean(raw: Path) -> Path:
    penguins = pd.read_csv(raw).dropna(subset=[*MEASURES, "sex"])
    tidy = Path("data/penguins.parquet")
    penguins.to_parquet(tidy, index=False)
    return tidy


@task
def load(tidy: Path) -> pd.DataFrame:
    return pd.read_parquet(tidy, columns=[*MEASURES, "species"])


@task
def train(penguins: pd.DataFrame) -> Path:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(penguins[MEASURES], penguins["species"])
    target = Path("models/penguins.joblib")
    joblib.dump(model, target)
    return target


@task
def measure(model: Path, penguins: pd.DataFrame) -> float:
    accuracy = float(joblib.load(model).score(penguins[MEASURES], penguins["species"]))
    with open("reports/metrics.json", "w") as file:
        json.dump({"rows": len(penguins), "accuracy": accuracy}, file)
    return accuracy


@flow(name="penguins")
def pipeline() -> float:
    for folder in ("data", "models", "reports"):
        Path(folder).mkdir(exist_ok=True)
    penguins = load(clean(extract()))
    return measure(train(penguins), penguins)


if __name__ == "__main__":
    pipeline()
