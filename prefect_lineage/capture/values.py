"""Values on their way from one run to another: who returned the object that was just passed on?

The evidence is identity: the very object that one run returned is an argument of another. Equal
numbers and short strings are shared by the interpreter and prove nothing; they are left out unless a
future carried them.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import RLock
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from prefect_lineage.capture.context import paused
from prefect_lineage.capture.digests import Digester, unhashed
from prefect_lineage.capture.identity import value_location
from prefect_lineage.capture.memory import Memory
from prefect_lineage.capture.plain import CONTAINERS, DIGEST_LIMIT, is_plain, plain_bytes
from prefect_lineage.capture.walking import ATOMS, SHARED, is_part, is_shared, items
from prefect_lineage.model.records import Content, EdgeRecord, Location
from prefect_lineage.plugins import Plugins

__all__ = ["Returned", "Values"]

EARLY_LIMIT = 8 << 20
"""Bytes: an array or frame below it is digested when it is returned, to know whether it was changed later."""

EARLY_MEMBERS = 100
"""The same for plain containers."""

MAX_PARTS = 50
"""Of a container with more parts it is not told apart which of them was passed on."""

_MAX_HELD = 256


class Returned(Struct, eq=False, weakref=True):
    """A value that a run returned, or a part of it.

    Attributes:
        identity: ``id()`` of the object.
        part: which part: ``""`` for the whole, ``[0]``, ``['train']``.
        name, type: what the user called it.
        content: known once it was digested; that of the return, where it was cheap to tell then.
        root: the outermost flow run inside which it was returned.
        remote: it goes to another process, so its producer records it at once.
        alone: equal values are everywhere, so it is a version of its run alone.
        refers: the token of a value that another process, or an earlier run, has recorded.
        tokens: under which it is recorded.
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
    root: str = ""
    remote: bool = False
    alone: bool = False
    refers: str | None = None
    tokens: tuple[str, ...] = ()

    @property
    def location(self) -> Location:
        return value_location(self.job, self.part)


class Values:
    """The returned values of one process that are still alive.

    Attributes:
        overflowed: plain containers that were let go early because too many were held.
    """

    def __init__(self, digester: Digester, plugins: Plugins) -> None:
        self._digester = digester
        self._plugins = plugins
        self._known: dict[int, tuple[Any, Returned]] = {}
        self._held: OrderedDict[int, str] = OrderedDict()
        self._lock = RLock()
        self._memory = Memory()
        self._tells_memory = plugins.implements("lineage_value_memory")
        self.overflowed = 0

    def remember(self, value: object, returned: Returned) -> None:
        """``value`` has been returned: it, and the parts of it, can be recognised from now on."""
        if is_shared(value):
            return
        returned.identity = id(value)
        self._keep(value, returned)
        if isinstance(value, CONTAINERS):
            self._remember_within(value, returned)

    def _remember_within(self, value: object, returned: Returned) -> None:
        """The parts of a container, each by itself; of many, or of records in a list, that they are of this one."""
        found = [(part, item) for part, item in items(value) if is_part(item)]
        records = isinstance(value, (list, set, frozenset)) and all(
            isinstance(item, CONTAINERS) for _, item in found
        )
        if records or len(found) > MAX_PARTS:
            self._remember_members(value, [item for _, item in found], returned)
            return
        for part, item in found:
            known = self.who_returned(item)
            if returned.name is not None or returned.refers is not None:
                # whoever receives a part of a named thing has used that thing
                if known is None or known.run == returned.run:
                    self._keep(item, returned)
            elif known is None:
                own = replace(returned, identity=id(item), part=part, content=None)
                self._keep(item, own)
                if isinstance(item, CONTAINERS):
                    self._remember_within_part(item, own)

    def _remember_within_part(self, value: object, own: Returned) -> None:
        self._remember_members(value, [item for _, item in items(value) if is_part(item)], own)

    def _remember_members(self, value: object, members: list[object], returned: Returned) -> None:
        """Whoever receives a member has received something of the whole, which is not told apart further."""
        whole = self._known.get(id(value), (None, returned))[0]
        holder = whole if isinstance(whole, _Strong) else None
        if holder is None and any(isinstance(item, CONTAINERS) for item in members):
            return  # they can be held by nothing but their container, and that is too large to be held
        for item in members:
            known = self.who_returned(item)
            if known is not None and known.run != returned.run:
                continue
            if holder is not None:
                holder.members[id(item)] = item
                self._known[id(item)] = (_Member(item, value), returned)
            else:
                self._keep(item, returned, member=True)

    def _keep(self, value: object, returned: Returned, *, member: bool = False) -> None:
        identity = id(value)
        try:
            kind = _WeakMember if member else weakref.ref
            holder: Any = kind(value, lambda _: self._known.pop(identity, None))
        except TypeError:
            if member or not is_plain(value):
                return  # its parts are remembered; holding it would keep large data alive
            holder = _Strong(value)
        if returned.content is None:
            returned.content = self._early(value, returned)
        if not member and returned.identity == identity:
            owners = self._owners(value)
            if owners:
                self._memory.put(owners, returned)
        with self._lock:
            self._known[identity] = (holder, returned)
            if isinstance(holder, _Strong):
                self._held[identity] = returned.root
                while len(self._held) > _MAX_HELD:
                    self._let_go(self._held.popitem(last=False)[0])
                    self.overflowed += 1

    def _let_go(self, identity: int) -> None:
        """Hold a plain container, and its members, no longer."""
        holder, _ = self._known.pop(identity, (None, None))
        for one in holder.members if isinstance(holder, _Strong) else ():
            if isinstance(self._known.get(one, (None, None))[0], _Member):
                del self._known[one]

    def is_member(self, value: object, returned: Returned) -> bool:
        """Whether it was returned as one of many in a container, whose content is known from now on."""
        holder, _ = self._known.get(id(value), (None, None))
        if not isinstance(holder, (_Member, _WeakMember)) or holder() is not value:
            return False
        if returned.content is None:
            if isinstance(holder, _Member):
                returned.content = self.content(holder.whole, returned.run, returned.part)
            else:
                returned.content = self.without_digest(value, returned.run)
        return True

    def _early(self, value: object, returned: Returned) -> Content | None:
        """The content at the time of the return, for what is likely to be changed in place and cheap to digest."""
        is_array = any(hasattr(type(value), name) for name in ("shape", "__array__", "__arrow_c_stream__"))
        if not is_array and not is_plain(value, EARLY_MEMBERS):
            return None
        with paused():
            found = self._digest(value, EARLY_LIMIT)
            if found is None and is_array:
                return None
            return self._content(value, found, returned.run, returned.part)

    def who_returned(self, value: object) -> Returned | None:
        """The run that returned this very object last, if any."""
        if not self._known:
            return None
        found = self._known.get(id(value))
        return found[1] if found is not None and found[0]() is value else None

    def made_of(self, value: object) -> Returned | None:
        """The returned value in whose memory this one lies, if it is none itself."""
        if type(value) in ATOMS or isinstance(value, CONTAINERS):
            return None
        owners = self._owners(value)
        return self._memory.find(owners, lambda one: self._has_content(value, one)) if owners else None

    def _has_content(self, value: object, returned: Returned) -> bool:
        if returned.content is None:
            return False
        with paused():
            return self.content(value, returned.run, returned.part).digest == returned.content.digest

    def _owners(self, value: object) -> Sequence[tuple[object, bool]]:
        if not self._tells_memory or isinstance(value, (*SHARED, *CONTAINERS)):
            return ()
        with paused():
            found = self._plugins.first("lineage_value_memory", value=value)
        return found if isinstance(found, (list, tuple)) else ()

    def forget_held(self, root: str | None = None) -> None:
        """Let go of the plain containers that were held alive.

        Args:
            root: the outermost flow run that has ended; without one, of every run.
        """
        with self._lock:
            for identity, belongs in list(self._held.items()):
                if root is None or belongs == root:
                    del self._held[identity]
                    self._let_go(identity)

    def changed(self, returned: Returned, value: object) -> bool:
        """Whether the value is no longer what it was when it was returned, or else first digested.

        Where the content was not known yet it is from now on.
        """
        content = self.content(value, returned.run, returned.part)
        with self._lock:
            if returned.content is None:
                returned.content = content
            return content.digest != returned.content.digest

    def was_changed(self, returned: Returned, value: object) -> bool:
        """The same for a value of another process, as far as its content was cheap to tell when it came."""
        if returned.content is None or id(value) != returned.identity:
            return False
        return self.content(value, returned.run, returned.part).digest != returned.content.digest

    def without_digest(self, value: object, run: str) -> Content:
        """The content of a value that is one version per run."""
        return replace(unhashed(run, "return"), **self._described(value))

    def content(self, value: object, run: str, part: str = "") -> Content:
        """The content of a value; one version per run where no plugin can digest it."""
        return self._content(value, self._digest(value, DIGEST_LIMIT), run, part)

    def _content(self, value: object, found: tuple[str, int] | None, run: str, part: str) -> Content:
        described = self._described(value)
        if found is not None:
            return Content(digest=found[0], size=found[1], **described)
        plain = plain_bytes(value)
        if plain is not None:
            return Content(self._digester.of_bytes(plain), size=len(plain), **{"format": "json", **described})
        return replace(unhashed(run, f"return{part}"), **described)

    def _digest(self, value: object, limit: int) -> tuple[str, int] | None:
        """The first plugin's answer that is one: a digest and a size."""
        for _, answer in self._plugins.each("lineage_value_digest", value=value, limit=limit):
            match answer:
                case (str(digest), int(size)) if digest:
                    return digest, size
        return None

    def _described(self, value: object) -> dict[str, Any]:
        """What a plugin says of the value, as far as it is spelt as a description is."""
        told = self._told(value)
        found = {
            key: told[key]
            for key, kind in (("format", str), ("rows", int))
            if isinstance(told.get(key), kind)
        }
        schema = told.get("schema", ())
        if isinstance(schema, (list, tuple)) and all(
            isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in schema
        ):
            found["schema"] = tuple((str(name), str(kind)) for name, kind in schema)
        return found

    def _told(self, value: object) -> Mapping[str, Any]:
        told = self._plugins.first("lineage_value_description", value=value)
        return told if isinstance(told, Mapping) else {}

    def type_of(self, value: object) -> str:
        """The artifact type that a plugin gives the value, else ``value``."""
        return str(self._told(value).get("type", "value"))

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


class _Strong(Struct, eq=False):
    """What a weak reference is to objects that allow none.

    Attributes:
        members: of a container, those that are known to be of it.
    """

    value: object
    members: dict[int, object] = field(default_factory=dict)

    def __call__(self) -> object:
        return self.value


class _Member(Struct, eq=False):
    """One of the members of a container that is held."""

    value: object
    whole: object

    def __call__(self) -> object:
        return self.value


class _WeakMember(weakref.ref[Any]):
    """One of the members of a container that is not held."""
