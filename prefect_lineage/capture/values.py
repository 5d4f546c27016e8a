"""Values on their way from one run to another: who returned the object that was just passed on?

The evidence is identity: the very object that one run returned is an argument of another. Equal
numbers and short strings are shared by the interpreter and prove nothing; they are left out unless a
future carried them.
"""

from __future__ import annotations

import dataclasses
import os
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any

import orjson

from prefect_lineage.capture.digests import Digester, unhashed
from prefect_lineage.capture.identity import value_location
from prefect_lineage.model.records import Content, EdgeRecord, Location
from prefect_lineage.plugins import Plugins

__all__ = ["Returned", "Values", "walk"]

DIGEST_LIMIT = 64 << 20
"""Bytes: a larger value is not digested, for that happens while the user's task waits."""

_MAX_DEPTH = 4
_MAX_ITEMS = 1_000
_MAX_HELD = 256
_SHARED = (type(None), bool, int, float, complex, str, bytes, os.PathLike, type)
_CONTAINERS = (dict, list, tuple, set, frozenset)


@dataclass(slots=True, eq=False)
class Returned:
    """A value that a run returned, or a part of it.

    Attributes:
        identity: ``id()`` of the object.
        part: which part: ``""`` for the whole, ``[0]``, ``['train']``.
        name, type: what the user called it.
        content: known once it was digested.
    """

    run: str
    attempt: int
    job: str
    identity: int = 0
    part: str = ""
    name: str | None = None
    type: str = "value"
    content: Content | None = None
    recorded: bool = False

    @property
    def location(self) -> Location:
        return value_location(self.job, self.part)


class Values:
    """The returned values of one process that are still alive."""

    def __init__(self, digester: Digester, plugins: Plugins) -> None:
        self._digester = digester
        self._plugins = plugins
        self._known: dict[int, tuple[Any, Returned]] = {}
        self._held: OrderedDict[int, Any] = OrderedDict()
        self._lock = RLock()

    def remember(self, value: object, returned: Returned) -> None:
        """``value`` has been returned: it, and the parts of it, can be recognised from now on."""
        if isinstance(value, _SHARED):
            return
        returned.identity = id(value)
        self._keep(value, returned)
        if not isinstance(value, _CONTAINERS):
            return
        for part, item in _items(value):
            if isinstance(item, (*_SHARED, *_CONTAINERS)):
                continue
            if returned.name is not None:  # whoever receives a part of a named thing has used that thing
                self._keep(item, returned)
            elif self.who_returned(item) is None:
                self._keep(item, dataclasses.replace(returned, identity=id(item), part=part))

    def _keep(self, value: object, returned: Returned) -> None:
        identity = id(value)
        try:
            holder: Any = weakref.ref(value, lambda _: self._known.pop(identity, None))
        except TypeError:
            if not _is_plain(value):
                return  # its parts are remembered; holding it would keep large data alive
            holder = _Strong(value)
            with self._lock:
                self._held[identity] = value
                while len(self._held) > _MAX_HELD:
                    self._known.pop(self._held.popitem(last=False)[0], None)
        with self._lock:
            self._known[identity] = (holder, returned)

    def who_returned(self, value: object) -> Returned | None:
        """The run that returned this very object last, if any."""
        found = self._known.get(id(value))
        return found[1] if found is not None and found[0]() is value else None

    def forget_held(self) -> None:
        """Let go of the plain containers that were held alive (the outermost flow run has ended)."""
        with self._lock:
            while self._held:
                self._known.pop(self._held.popitem()[0], None)

    def content(self, value: object, run: str, part: str = "") -> Content:
        """The content of a value; one version per run where no plugin can digest it."""
        found = self._plugins.first("lineage_value_digest", value=value, limit=DIGEST_LIMIT)
        told = self._plugins.first("lineage_value_description", value=value) or {}
        described = {key: told[key] for key in ("format", "rows") if key in told}
        if "schema" in told:
            described["schema"] = tuple((str(name), str(kind)) for name, kind in told["schema"])
        if found is not None:
            digest, size = found
            return Content(digest=digest, size=size, **described)
        plain = _plain_bytes(value)
        if plain is not None:
            return Content(self._digester.of_bytes(plain), size=len(plain), format="json", **described)
        return dataclasses.replace(unhashed(run, f"return{part}"), **described)

    def type_of(self, value: object) -> str:
        """The artifact type that a plugin gives the value, else ``value``."""
        told = self._plugins.first("lineage_value_description", value=value) or {}
        return str(told.get("type", "value"))

    def output_edge(self, returned: Returned, at: int) -> EdgeRecord:
        """The producing run's edge; its content must be known."""
        return self._edge(returned, "output", "observed", "return", at)

    def input_edge(self, returned: Returned, parameter: str, at: int, *, changed: bool) -> EdgeRecord:
        """The consuming run's edge; ``inferred`` if the object was changed on its way."""
        return self._edge(
            returned, "input", "inferred" if changed else "observed", f"argument {parameter}", at
        )

    @staticmethod
    def _edge(returned: Returned, direction: Any, how: Any, via: str, at: int) -> EdgeRecord:
        assert returned.content is not None  # noqa: S101 - for the type checker
        return EdgeRecord(
            returned.location,
            returned.content,
            direction,
            how,
            via,
            type=returned.type,
            name=returned.name,
            typed=returned.type != "value",
            at=at,
        )


@dataclass(slots=True)
class _Strong:
    """What a weak reference is to objects that allow none."""

    value: object

    def __call__(self) -> object:
        return self.value


def walk(value: object, depth: int = _MAX_DEPTH) -> Iterator[object]:
    """A value and what is in it: containers and dataclasses, to a bounded depth and number."""
    yield value
    if depth and not isinstance(value, _SHARED):
        for _, item in _items(value):
            yield from walk(item, depth - 1)


def _items(value: object) -> Iterator[tuple[str, object]]:
    found: Iterator[tuple[str, object]]
    if isinstance(value, Mapping) and isinstance(value, dict):
        found = ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        found = ((f"[{index}]", item) for index, item in enumerate(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        found = ((f".{name}", getattr(value, name, None)) for name in names)
    else:
        return
    for index, pair in enumerate(found):
        if index >= _MAX_ITEMS:
            return
        yield pair


def _is_plain(value: object) -> bool:
    """Whether holding the value alive is cheap: a small container of small scalars."""
    if not isinstance(value, _CONTAINERS) or len(value) > _MAX_ITEMS:
        return False
    members = list(value.values()) if isinstance(value, dict) else list(value)
    return all(
        isinstance(item, (type(None), bool, int, float))
        or (isinstance(item, (str, bytes)) and len(item) < 4096)
        for item in members
    )


def _plain_bytes(value: object) -> bytes | None:
    """Canonical JSON of plain data; None for anything else, and for much of it."""
    if not isinstance(value, (type(None), bool, int, float, str, dict, list, tuple)):
        return None
    if isinstance(value, (dict, list, tuple)) and sum(1 for _ in walk(value, 8)) > 100_000:
        return None
    try:
        return orjson.dumps(
            value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
        )
    except (TypeError, ValueError):
        return None
