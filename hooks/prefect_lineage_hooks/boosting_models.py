"""What the hooks of XGBoost, LightGBM and CatBoost share."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage.interceptors import Call, Claim, Claims
from prefect_lineage_hooks.places import local, place
from prefect_lineage_hooks.watching import Where, argument

__all__ = ["data_files"]


def data_files(where: Where, format_: str | None = None) -> Claims:
    """Claims of data that may be given as a file: ``train.libsvm?format=libsvm``, ``libsvm://train.txt``."""

    def claims(call: Call) -> Iterable[Claim]:
        path = place(argument(call, where))
        if path is None:
            return []
        path = path.partition("?")[0].partition("#")[0]
        head, mark, rest = path.partition("://")
        path = rest if mark and head in {"libsvm", "dsv", "quantized"} else path
        return [Claim(local(path) or path, "read", format_)]

    return claims
