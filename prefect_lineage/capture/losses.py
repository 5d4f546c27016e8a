"""What capture of this process could not see or understand, to be said with the run in which it happened."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from types import FrameType
from typing import Any

from prefect_lineage.capture.attempt import Attempt, late
from prefect_lineage.capture.noise import is_strays

__all__ = ["NATIVE", "losses_of", "stray", "strays"]

NATIVE = (
    *(
        "av",
        "cairo",
        "cv2",
        "faiss",
        "fasttext",
        "fiona",
        "h5py",
        "hnswlib",
        "itk",
        "kenlm",
        "lance",
        "lightgbm",
    ),
    *("llama_cpp", "lxml", "netCDF4", "obstore", "onnxruntime", "openvino", "osgeo", "pycurl", "pyogrio"),
    *("pyreadr", "pyreadstat", "pysam", "pyvips", "rasterio", "safetensors", "sentencepiece", "SimpleITK"),
    *("soundfile", "tables", "tensorflow", "tiledb", "tokenizers", "torch", "vtk", "xgboost", "catboost"),
    *("deltalake", "duckdb", "pyarrow", "polars", "pyiceberg", "usearch", "vaex", "daft", "chdb"),
)
"""Libraries that open files in compiled code, where only an adapter can see it."""

strays: dict[str, int] = {}
"""Accesses of the user's code outside any attempt while one was running, by the call: threads that carry none."""

_MAX_STRAYS = 100


def stray(frame: FrameType, called: str) -> None:
    """A file is opened outside any attempt while attempts run: if it is the user's doing, it is nobody's run."""
    via = is_strays(frame, called)
    if via is not None and (via in strays or len(strays) < _MAX_STRAYS):
        strays[via] = strays.get(via, 0) + 1


def losses_of(attempt: Attempt, problems: Mapping[str, str], watched: Collection[str]) -> dict[str, Any]:
    """What is to be said of an attempt that ends; of the process, with the outermost run.

    Args:
        problems: of plugins and adapters, by name.
        watched: the libraries that some adapter watches.
    """
    if attempt.run != attempt.root and not (attempt.dropped or attempt.misses or attempt.programs):
        return {}  # mostly
    found: dict[str, Any] = {
        "dropped": attempt.dropped,
        "dropped_below": dict(attempt.left_out),
        "misses": dict(attempt.misses),
        "programs": attempt.programs,
    }
    if attempt.run == attempt.root:
        found["problems"] = dict(problems)
        found["late"] = _taken(late)
        found["unattributed"] = _taken(strays)
        found["native"] = [name for name in NATIVE if name in sys.modules and name not in watched]
    return {name: value for name, value in found.items() if value}


def _taken(counts: dict[str, int]) -> dict[str, int]:
    """These counts, which begin anew: they are told once."""
    taken = dict(counts)
    for name in taken:
        counts.pop(name, None)
    return taken
