"""The zoo: penguins are fetched, cleaned, split; a model is trained on the split and evaluated.

An ordinary Prefect program. Three `prepare` runs log the same split, one `train` run uses it and logs a
model, one `evaluate` run uses the model. All of it happens twice, the second time with a stricter cleaning
rule, so that every artifact has a `v0` and a `v1`. The first download breaks off on purpose and is retried.

    prefect-lineage run examples/zoo.py --out zoo
    prefect-lineage map -o zoo.html
"""

import argparse
import json
import shutil
from importlib import resources
from pathlib import Path

import joblib
import pandas as pd
from prefect import flow, task
from prefect.runtime import task_run
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from prefect_lineage import log_artifact, track, use_artifact

MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
RULES = {"measured": MEASURES, "complete": [*MEASURES, "sex"]}


@task(retries=1)
def download(target: Path) -> Path:
    """Fetch the raw CSV; the first attempt breaks off in the middle."""
    with resources.as_file(resources.files("palmerpenguins") / "data" / "penguins.csv") as source:
        if task_run.run_count == 1:
            text = source.read_text()
            target.write_text(text[: len(text) // 2])
            raise ConnectionError("the download broke off (on purpose: see what a retry looks like)")
        shutil.copy(source, target)
    return target


@task
def clean(raw: Path, rule: str) -> pd.DataFrame:
    """Drop the rows that lack what the rule asks for."""
    return pd.read_csv(raw).dropna(subset=RULES[rule]).reset_index(drop=True)


@task
def split(penguins: pd.DataFrame, target: Path) -> Path:
    """Mark each row as one to train or one to test with; always the same for the same rows."""
    tested = train_test_split(penguins.index, test_size=0.3, random_state=7, stratify=penguins["species"])[1]
    penguins.assign(tested=penguins.index.isin(tested)).to_parquet(target)
    log_artifact(target, name="split_zoo_dataset", type="dataset", metadata={"rows": len(penguins)})
    return target


@task
@track(inputs={"dataset": "split_zoo_dataset"}, outputs="zoo-model", type="model", aliases=["candidate"])
def fit(dataset: Path, target: Path) -> Path:
    """Train a forest; the file that is returned is the candidate."""
    rows = pd.read_parquet(dataset).query("not tested")
    model = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=50, random_state=7))
    model.fit(rows[MEASURES], rows["species"])
    joblib.dump(model, target)
    return target


@task
def score(target: Path) -> float:
    """Test the candidate on the rows it has not seen."""
    model = joblib.load(use_artifact("zoo-model:candidate").path)
    rows = pd.read_parquet(use_artifact("split_zoo_dataset").path).query("tested")
    predicted = model.predict(rows[MEASURES])
    accuracy = float(accuracy_score(rows["species"], predicted))
    confusion = confusion_matrix(rows["species"], predicted).tolist()
    target.write_text(json.dumps({"rows": len(rows), "accuracy": accuracy, "confusion": confusion}, indent=2))
    log_artifact(target, name="zoo-report", type="report", metadata={"accuracy": round(accuracy, 3)})
    return accuracy


@flow
def fetch(out: Path) -> Path:
    """The raw data, once."""
    return download(out / "data" / "penguins.csv")


@flow
def prepare(out: Path, rule: str) -> Path:
    """Clean and split; the cleaned rows are handed over in memory."""
    return split(clean(out / "data" / "penguins.csv", rule), out / "data" / "split.parquet")


@flow
def train(out: Path) -> Path:
    """Train on the latest split."""
    return fit(out / "data" / "split.parquet", out / "models" / "zoo.joblib")


@flow
def evaluate(out: Path) -> float:
    """Evaluate the candidate."""
    return score(out / "reports" / "zoo.json")


def main(out: Path) -> None:
    """Run everything twice, with one cleaning rule and with the other."""
    for folder in ("data", "models", "reports"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    fetch(out)
    for rule in RULES:
        for _ in range(3):
            prepare(out, rule)
        train(out)
        evaluate(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run the zoo example.")
    parser.add_argument("--out", type=Path, default=Path("zoo"), help="where to write")
    main(parser.parse_args().out)
