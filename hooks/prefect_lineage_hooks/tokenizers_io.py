"""Hugging Face tokenizers: saved, loaded and trained in compiled code."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Interceptor
from prefect_lineage_hooks.watching import reading, writing

_MODELS = ("BPE", "Unigram", "WordLevel", "WordPiece")


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from writing("tokenizers", {"Tokenizer.save": ("path", 1)}, "json", type_="model")
    yield from reading("tokenizers", {"Tokenizer.from_file": ("path", 0)}, "json", type_="model")
    yield from reading("tokenizers", {"Tokenizer.train": ("files", 1)})
    for name in _MODELS:
        yield from reading("tokenizers.models", {f"{name}.read_file": ("vocab", 0)})
        yield from reading("tokenizers.models", {f"{name}.from_file": ("vocab", 1)})
    yield from reading("tokenizers.models", {"BPE.read_file": ("merges", 1)})
