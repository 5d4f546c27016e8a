"""spaCy: pipelines are models, each a directory; collections of documents are files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.places import place
from prefect_lineage_hooks.watching import reading, writing


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield Interceptor("spacy", "load", _loaded, optional=True)
    yield from writing("spacy.language", {"Language.to_disk": "path"}, "spacy", type_="model")
    yield from reading("spacy.language", {"Language.from_disk": "path"}, "spacy", type_="model")
    yield from writing("spacy.tokens", {"DocBin.to_disk": "path"}, "spacy", type_="dataset")
    yield from reading("spacy.tokens", {"DocBin.from_disk": "path"}, "spacy", type_="dataset")


def _loaded(call: Call) -> Iterable[Claim]:
    """A directory; the name of an installed package is none."""
    path = place(call["name"])
    return [Claim(path, "read", "spacy", "model")] if path is not None and Path(path).is_dir() else []
