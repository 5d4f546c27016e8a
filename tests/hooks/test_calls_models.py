"""What XGBoost, LightGBM, CatBoost, spaCy, tokenizers, Keras and ONNX save and load."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefect_lineage.testing import captured
from prefect_lineage_hooks import (
    catboost_io,
    files,
    h5py_io,
    joblib_io,
    keras_io,
    lightgbm_io,
    spacy_io,
    tokenizers_io,
    torch_io,
    xgboost_io,
)
from tests.hooks.calls import Call, Calls

os.environ.setdefault("KERAS_BACKEND", "torch")

HOOKS = (
    *(catboost_io, files, h5py_io, joblib_io, keras_io, lightgbm_io, spacy_io, tokenizers_io, torch_io),
    xgboost_io,
)
calls = Calls(*HOOKS)
case = calls.case
X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "train.libsvm").write_text(
        "".join(f"{y} 1:{a} 2:{b}\n" for (a, b), y in zip(X, Y, strict=True))
    )
    (tmp_path / "train.csv").write_text("".join(f"{y},{a},{b}\n" for (a, b), y in zip(X, Y, strict=True)))
    (tmp_path / "words.txt").write_text("one two three\nfour five\n")
    return tmp_path


# -- boosting ---------------------------------------------------------------------------------------------


def booster() -> Any:
    import xgboost

    return xgboost.train({"max_depth": 1}, xgboost.DMatrix(X, Y), 1)


@case("W model.json", "W model.ubj", needs="xgboost")
def xgboost_models(data: Path) -> None:
    import xgboost

    booster().save_model(data / "model.json")
    booster().save_model(str(data / "model.ubj"))
    xgboost.Booster(model_file=str(data / "model.json"))


@case("R in.json", needs="xgboost")
def xgboost_load(data: Path) -> None:
    import xgboost

    xgboost.Booster().load_model(data / "in.json")
    xgboost.XGBClassifier().load_model(str(data / "in.json"))


@case("W model.json", needs="xgboost")
def xgboost_by_scikit_learn(data: Path) -> None:
    import xgboost

    xgboost.XGBClassifier(n_estimators=1).fit(X, Y).save_model(data / "model.json")


@case("W dump.txt", needs="xgboost")
def xgboost_dump(data: Path) -> None:
    booster().dump_model(data / "dump.txt")


@case("R train.libsvm", needs="xgboost")
def xgboost_data_from_a_file(data: Path) -> None:
    import xgboost

    xgboost.DMatrix(f"{data}/train.libsvm?format=libsvm")


def trees() -> Any:
    import lightgbm

    return lightgbm.train({"verbose": -1, "min_data": 1}, lightgbm.Dataset(X, Y), 1)


@case("W model.txt", needs="lightgbm")
def lightgbm_models(data: Path) -> None:
    import lightgbm

    trees().save_model(data / "model.txt")
    lightgbm.Booster(model_file=str(data / "model.txt"))


@case("R train.csv", needs="lightgbm")
def lightgbm_data_from_a_file(data: Path) -> None:
    import lightgbm

    lightgbm.Dataset(str(data / "train.csv"), params={"verbose": -1}).construct()


@case("W train.bin", needs="lightgbm")
def lightgbm_binary_data(data: Path) -> None:
    import lightgbm

    lightgbm.Dataset(X, Y, params={"verbose": -1}).save_binary(data / "train.bin")


def cat() -> Any:
    import catboost

    return catboost.CatBoostClassifier(iterations=1, verbose=0, allow_writing_files=False).fit(X, Y)


@case("W model.cbm", "W model.json", needs="catboost")
def catboost_models(data: Path) -> None:
    import catboost

    cat().save_model(str(data / "model.cbm"))
    cat().save_model(data / "model.json", format="json")
    catboost.CatBoostClassifier().load_model(data / "model.cbm")


@case("R train.csv", needs="catboost")
def catboost_data_from_a_file(data: Path) -> None:
    import catboost

    catboost.Pool(str(data / "train.csv"), delimiter=",")


@case("W model.joblib", needs="lightgbm")
def a_boosting_model_by_joblib(data: Path) -> None:
    import joblib
    import lightgbm

    joblib.dump(lightgbm.LGBMClassifier(n_estimators=1, verbose=-1), data / "model.joblib")


# -- language ----------------------------------------------------------------------------------------------


@case("W nlp", needs="spacy")
def spacy_pipeline(data: Path) -> None:
    import spacy

    spacy.blank("en").to_disk(data / "nlp")
    spacy.load(data / "nlp")


@case("R in.nlp", "W docs.spacy", needs="spacy")
def spacy_documents(data: Path) -> None:
    import spacy
    from spacy.tokens import DocBin

    nlp = spacy.load(data / "in.nlp")
    DocBin(docs=[nlp("one two")]).to_disk(data / "docs.spacy")
    list(DocBin().from_disk(data / "docs.spacy").get_docs(nlp.vocab))


@case("R words.txt", "W tokenizer.json", needs="tokenizers")
def tokenizer_trained_and_saved(data: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.trainers import WordLevelTrainer

    tokenizer = Tokenizer(WordLevel(unk_token="[UNK]"))
    tokenizer.train(
        [str(data / "words.txt")], WordLevelTrainer(special_tokens=["[UNK]"], show_progress=False)
    )
    tokenizer.save(str(data / "tokenizer.json"))


@case("R in.tokenizer.json", needs="tokenizers")
def tokenizer_loaded(data: Path) -> None:
    from tokenizers import Tokenizer

    assert Tokenizer.from_file(str(data / "in.tokenizer.json")).encode("one").ids == [1]


@case("R merges.txt", "R vocab.json", needs="tokenizers")
def tokenizer_of_two_files(data: Path) -> None:
    from tokenizers.models import BPE

    BPE.read_file(str(data / "vocab.json"), str(data / "merges.txt"))


@case("R vocab.json", needs="tokenizers")
def tokenizer_model_from_files(data: Path) -> None:
    from tokenizers.models import BPE

    assert isinstance(BPE.from_file(str(data / "vocab.json"), str(data / "merges.txt")), BPE)


# -- networks ----------------------------------------------------------------------------------------------


def net() -> Any:
    import keras

    return keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])


@case("W model.keras", needs="keras")
def keras_model(data: Path) -> None:
    import keras

    net().save(data / "model.keras")
    keras.saving.load_model(data / "model.keras")


@case("R in.keras", "W w.weights.h5", needs="keras")
def keras_weights(data: Path) -> None:
    import keras

    model = keras.models.load_model(str(data / "in.keras"))
    model.save_weights(data / "w.weights.h5")
    model.load_weights(data / "w.weights.h5")


@case("R in.onnx", "W out.onnx", needs="onnx")
def onnx_models(data: Path) -> None:
    import onnx

    onnx.save(onnx.load(data / "in.onnx"), str(data / "out.onnx"))


def _make_spacy(data: Path) -> None:
    import spacy

    spacy.blank("en").to_disk(data / "in.nlp")


def _make_tokenizers(data: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    Tokenizer(WordLevel({"[UNK]": 0, "one": 1}, unk_token="[UNK]")).save(str(data / "in.tokenizer.json"))
    (data / "vocab.json").write_text('{"a": 0, "b": 1, "ab": 2}')
    (data / "merges.txt").write_text("#version: 0.2\na b\n")


def _make_onnx(data: Path) -> None:
    from onnx import TensorProto, helper, save

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    save(
        helper.make_model(
            helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [out])
        ),
        str(data / "in.onnx"),
    )


MAKE: dict[str, Any] = {
    "keras": lambda data: net().save(data / "in.keras"),
    "onnx": _make_onnx,
    "spacy": _make_spacy,
    "tokenizers": _make_tokenizers,
    "xgboost": lambda data: booster().save_model(data / "in.json"),
}


@pytest.mark.parametrize(("call", "truth", "needs"), calls.cases)
def test_a_call_is_seen_as_what_it_does(
    call: Call, truth: list[str], needs: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(needs, reason=f"{needs} is not installed")
    monkeypatch.chdir(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about each other
        MAKE.get(needs, lambda _: None)(data)
        calls.check(call, truth, "", data)


def test_a_saved_booster_is_a_model(data: Path) -> None:
    pytest.importorskip("xgboost", reason="xgboost is not installed")
    with captured(*HOOKS, root=data) as seen:
        booster().save_model(data / "model.json")
    assert seen.edge("W model.json").type == "model"
    assert seen.vias == {"W model.json": "xgboost.Booster.save_model"}
