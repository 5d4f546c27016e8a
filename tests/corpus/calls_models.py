"""Models and what they are trained on."""

from __future__ import annotations

from pathlib import Path

from corpus_truth import truth


@truth("R in.joblib", "W out.joblib", needs="joblib")
def joblib_files(d: Path) -> None:
    import joblib

    joblib.dump(joblib.load(d / "in.joblib"), d / "out.joblib", compress=3)


@truth("R in.joblib", needs="joblib")
def joblib_mapped(d: Path) -> None:
    import joblib

    joblib.load(d / "in.joblib", mmap_mode="r")


@truth("W out.pkl", needs="sklearn")
def sklearn_pickled(d: Path) -> None:
    import pickle

    from sklearn.linear_model import LinearRegression

    (d / "out.pkl").write_bytes(pickle.dumps(LinearRegression().fit([[1], [2]], [1, 2])))


@truth("R in.csv", "W out.joblib", needs="sklearn joblib pandas")
def sklearn_trained(d: Path) -> None:
    import joblib
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    frame = pd.read_csv(d / "in.csv")
    joblib.dump(LinearRegression().fit(frame[["id"]], frame["v"]), d / "out.joblib")


@truth(needs="sklearn")
def sklearn_bundled_data(d: Path) -> None:
    from sklearn.datasets import load_iris

    load_iris()


@truth("R in.svm", "W out.svm", needs="sklearn")
def sklearn_svmlight(d: Path) -> None:
    from sklearn.datasets import dump_svmlight_file, load_svmlight_file

    features, target = load_svmlight_file(str(d / "in.svm"))
    dump_svmlight_file(features, target, str(d / "out.svm"))


@truth("W out.safetensors", needs="safetensors numpy")
def safetensors_numpy(d: Path) -> None:
    import numpy as np
    import safetensors.numpy as sn

    sn.save_file({"w": np.ones(4)}, str(d / "out.safetensors"))


@truth("R in.safetensors", needs="safetensors numpy")
def safetensors_opened(d: Path) -> None:
    from safetensors import safe_open

    with safe_open(str(d / "in.safetensors"), framework="np") as tensors:
        tensors.get_tensor("w")


@truth("R in.safetensors", needs="safetensors numpy")
def safetensors_loaded(d: Path) -> None:
    from safetensors.numpy import load_file

    load_file(d / "in.safetensors")


@truth("W out.pt", needs="torch")
def torch_saves(d: Path) -> None:
    import torch

    torch.save({"w": torch.ones(4)}, d / "out.pt")


@truth("R in.pt", needs="torch")
def torch_loads(d: Path) -> None:
    import torch

    torch.load(d / "in.pt")
    torch.load(str(d / "in.pt"), mmap=True)


@truth("W out.pt", needs="torch")
def torch_jit(d: Path) -> None:
    import torch

    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), str(d / "out.pt"))


@truth("W out.safetensors", needs="torch safetensors")
def safetensors_torch(d: Path) -> None:
    import safetensors.torch as st
    import torch

    st.save_file({"w": torch.ones(2)}, str(d / "out.safetensors"))
    st.load_file(str(d / "out.safetensors"))


@truth("W out.ubj", needs="xgboost")
def xgboost_model(d: Path) -> None:
    import numpy as np
    import xgboost as xgb

    model = xgb.XGBRegressor(n_estimators=1).fit(np.ones((4, 1)), np.ones(4))
    model.save_model(d / "out.ubj")
    xgb.Booster().load_model(d / "out.ubj")


@truth("W out.txt", needs="lightgbm")
def lightgbm_model(d: Path) -> None:
    import lightgbm as lgb
    import numpy as np

    data = lgb.Dataset(np.arange(40.0).reshape(-1, 1), np.arange(40.0))
    lgb.train({"verbose": -1}, data, 1).save_model(d / "out.txt")
    lgb.Booster(model_file=str(d / "out.txt"))


@truth("W out.cbm", needs="catboost")
def catboost_model(d: Path) -> None:
    import catboost

    model = catboost.CatBoostRegressor(iterations=1, verbose=False, allow_writing_files=False)
    model.fit([[1], [2]], [1, 2])
    model.save_model(str(d / "out.cbm"))
    catboost.CatBoostRegressor().load_model(str(d / "out.cbm"))


@truth("W out.onnx", needs="onnx")
def onnx_model(d: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [out])
    onnx.save(helper.make_model(graph), str(d / "out.onnx"))
    onnx.load(d / "out.onnx")


@truth("W out.hf/", needs="datasets")
def datasets_saved(d: Path) -> None:
    import datasets

    datasets.Dataset.from_dict({"a": [1]}).save_to_disk(str(d / "out.hf"))
    datasets.load_from_disk(str(d / "out.hf")).to_pandas()


@truth("W out.parquet", "W out.csv", needs="datasets")
def datasets_exported(d: Path) -> None:
    import datasets

    data = datasets.Dataset.from_dict({"a": [1]})
    data.to_parquet(str(d / "out.parquet"))
    data.to_csv(str(d / "out.csv"))


@truth("W out.json", needs="tokenizers")
def tokenizers_file(d: Path) -> None:
    from tokenizers import Tokenizer, models

    Tokenizer(models.BPE()).save(str(d / "out.json"))
    Tokenizer.from_file(str(d / "out.json"))


@truth("W out/", needs="spacy")
def spacy_model(d: Path) -> None:
    import spacy

    spacy.blank("en").to_disk(d / "out")
    spacy.load(d / "out")


@truth("W out.spacy", needs="spacy")
def spacy_docs(d: Path) -> None:
    import spacy
    from spacy.tokens import DocBin

    DocBin(docs=[spacy.blank("en")("hello")]).to_disk(d / "out.spacy")


@truth("W out.keras", needs="keras torch")
def keras_model(d: Path) -> None:
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.save(d / "out.keras")
    keras.models.load_model(d / "out.keras")
