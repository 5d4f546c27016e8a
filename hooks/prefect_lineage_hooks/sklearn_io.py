"""scikit-learn: estimators are models; what they are, their parameters, and what they have learnt.

A model's digest is over its class, its parameters and its fitted attributes, as far as all of these are plain data,
arrays, or models and trees in turn: never over a pickle, whose bytes differ between a model and its own copy
(the padding inside trees) and take a second copy of everything. A model that holds anything else has no digest
and is one version per run that made it. scikit-learn is not imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage_hooks.canonical import Canonical

__all__ = ["class_of", "is_model", "parameters_of"]

_MAX_DEPTH = 20
_MAX_PARAMETERS = 100
_MAX_TEXT = 200
_LIBRARIES = {"builtins", "numpy", "scipy", "sklearn"}


def is_model(value: object) -> bool:
    """Whether it is an estimator: it fits, has parameters, and its class descends from scikit-learn's."""
    if isinstance(value, type) or not (hasattr(value, "fit") and hasattr(value, "get_params")):
        return False
    return any(base.__module__.partition(".")[0] == "sklearn" for base in type(value).__mro__)


def class_of(value: object) -> str:
    """``sklearn.linear_model._logistic.LogisticRegression``."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


def parameters_of(model: Any) -> dict[str, Any]:
    """The parameters of a model as JSON data; an object among them is called by its class."""
    given = model.get_params(deep=False)
    return {str(name): _shown(given[name]) for name in list(given)[:_MAX_PARAMETERS]}


def _shown(value: Any, depth: int = 4) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value[:_MAX_TEXT]
    if isinstance(value, (list, tuple)) and depth:
        return [_shown(item, depth - 1) for item in value[:_MAX_PARAMETERS]]
    if isinstance(value, Mapping) and depth:
        return {str(key): _shown(value[key], depth - 1) for key in list(value)[:_MAX_PARAMETERS]}
    return getattr(value, "__name__", None) or class_of(value)


@hookimpl
def lineage_value_description(value: object) -> dict[str, Any] | None:
    """Estimators are models; their parameters are metadata."""
    if "sklearn" not in sys.modules or not is_model(value):
        return None
    kind = class_of(value)
    return {
        "type": "model",
        "format": kind,
        "metadata": {"class": kind, "parameters": parameters_of(value)},
    }


@hookimpl
def lineage_value_digest(value: object, limit: int) -> tuple[str, int] | None:
    """Class, parameters and all that was fitted; None for what is larger than ``limit`` or no plain data."""
    if "sklearn" not in sys.modules or not is_model(value):
        return None
    digest = Canonical(limit)
    return digest.result() if _Writer(digest).write(value, _MAX_DEPTH) else None


class _Writer:
    """Writes models and what they are made of."""

    def __init__(self, digest: Canonical) -> None:
        self._digest = digest
        self._numpy: Any = sys.modules["numpy"]  # scikit-learn has imported it

    def write(self, value: Any, depth: int) -> bool:
        """One value; False where it has no canonical form."""
        numpy, kind = self._numpy, type(value)
        if depth <= 0:
            return False
        if kind in (numpy.ndarray, numpy.memmap):
            return self._array(value, depth - 1)
        if isinstance(value, numpy.generic):
            self._digest.mark("scalar")
            return self._digest.array(numpy.asarray(value))
        if kind in (list, tuple):
            self._digest.mark(kind.__name__, len(value))
            return all(self.write(item, depth - 1) for item in value)
        if kind.__name__ in ("dict", "Bunch", "OrderedDict", "defaultdict"):
            return self._mapping(value, depth - 1)
        if isinstance(value, type) or kind.__name__ in ("function", "builtin_function_or_method", "ufunc"):
            return self._named(value)
        state = self._state(value)
        if state is None:
            return self._digest.plain(value)
        self._digest.mark("object", class_of(value))
        return self._mapping(state, depth - 1)

    def _array(self, array: Any, depth: int) -> bool:
        if not array.dtype.hasobject or array.dtype.names is not None:
            return self._digest.array(array)
        self._digest.mark("objects", array.shape)  # estimators of an ensemble, categories of a column
        return all(self.write(item, depth) for item in array.ravel().tolist())

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> bool:
        """A mapping in the order of its keys' names, where these are texts; else in its own."""
        names = sorted(value) if all(type(key) is str for key in value) else list(value)
        self._digest.mark("mapping", len(names))
        return all(self.write(name, depth) and self.write(value[name], depth) for name in names)

    def _named(self, value: Any) -> bool:
        """A class or a function of a library by its name; of a user's function the name does not tell what it does."""
        name = getattr(value, "__qualname__", getattr(value, "__name__", ""))
        module = getattr(value, "__module__", None) or "numpy"
        if "<" in name or module.partition(".")[0] not in _LIBRARIES:
            return False
        self._digest.mark("named", module, name)
        return True

    def _state(self, value: Any) -> Mapping[str, Any] | None:
        """The attributes of what is understood: models, their trees, losses and the like, random states."""
        module = type(value).__module__.partition(".")[0]
        if isinstance(value, self._numpy.random.RandomState):
            return dict(value.get_state(legacy=False))
        if isinstance(value, self._numpy.random.Generator):
            return dict(value.bit_generator.state)
        if type(value).__name__ == "Tree" and module == "sklearn":
            return {**value.__getstate__(), "n_features": value.n_features, "n_classes": value.n_classes}
        if type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocsr"):
            return _sparse(value)
        if type(value).__module__ == "sklearn._loss._loss":  # compiled, and made from a few numbers
            return {"made from": value.__reduce__()[1]}
        known = is_model(value) or module == "sklearn"
        return dict(vars(value)) if known and _is_all_in_attributes(type(value)) else None


def _is_all_in_attributes(kind: type) -> bool:
    """Whether the class and its bases are written in Python: what a compiled one holds cannot be seen."""
    return all(
        base is object or (not vars(base).get("__slots__") and _is_python(sys.modules.get(base.__module__)))
        for base in kind.__mro__
    )


def _is_python(module: Any) -> bool:
    file = getattr(module, "__file__", None)
    return file.endswith(".py") if file else getattr(module, "__name__", None) == "__main__"


def _sparse(matrix: Any) -> dict[str, Any]:
    """A sparse matrix by its entries, in the order of their places."""
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()
    parts = {"starts": rows.indptr, "columns": rows.indices, "values": rows.data}
    return {"format": matrix.format, "shape": tuple(matrix.shape), **parts}
