"""Values that pass from run to run: what proves it, and the edges that follow.

Three things prove that a run received what another one returned: it is the very object (:class:`Values`); the
runner resolved a future or a state of that run into the argument; or the hand-over to another process said so.
In the process of its producer a value is recorded when somebody receives it. What crosses to another process
is recorded by its producer at once, under a *token*, and whoever receives it refers to that token.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from prefect_lineage.capture.attempt import Attempt
from prefect_lineage.capture.by_run import ByRun
from prefect_lineage.capture.context import current, paused
from prefect_lineage.capture.digests import unhashed
from prefect_lineage.capture.guard import guarded
from prefect_lineage.capture.values import Returned, Values
from prefect_lineage.capture.walking import ATOMS, is_shared, walk
from prefect_lineage.model.records import EdgeRecord, How, Location, Record, RunRecord
from prefect_lineage.model.times import now

if TYPE_CHECKING:
    from prefect_lineage.capture.recorder import Recorder

__all__ = ["NOTHING_CAME", "Arrival", "Kept", "Passing", "is_no_value"]


class Arrival(Struct):
    """What is known of a task run's arguments besides the objects themselves.

    Attributes:
        resolved: parameter, producing run and value, for each future or state that was resolved.
        tokens: parameter and token, for values that were recognised in the process that handed them over.
        remote: the run was handed over from another process, and what it returns goes back there.
        parent, root: the run that called it, and the outermost one, where they run in another process.
    """

    resolved: list[tuple[str, str, object]] = field(default_factory=list)
    tokens: list[tuple[str, str]] = field(default_factory=list)
    remote: bool = False
    parent: str | None = None
    root: str | None = None


_MAX_ROOTLESS = 10_000
"""How many runs are remembered whose end is not the end of a flow."""

NOTHING_CAME = Arrival()
"""What is mostly known. Never changed."""


class Kept(Struct, frozen=True):
    """A run's result in the runner's result storage.

    Attributes:
        key: names the place; a run that finds its result there is cached.
        value: the result.
    """

    key: str
    value: object


class Passing:
    """Records the values that pass between the runs of one process, and to and from others.

    Args:
        recorder: writes the edges.
        values: knows the returned values of this process.
    """

    def __init__(self, recorder: Recorder, values: Values) -> None:
        self._recorder = recorder
        self._values = values
        self._mode = recorder.settings.values
        self._returned = ByRun()
        self._rootless: OrderedDict[str, None] = OrderedDict()

    # -- the producer's side -----------------------------------------------------------------------

    @guarded
    def returned(self, attempt: Attempt, value: object, *, passes_on: bool = False) -> None:
        """An attempt returned a value.

        Args:
            passes_on: what another run returned stays that run's, as in a flow that returns a task's result.
        """
        if self._mode == "off":
            return
        if attempt.root == attempt.run:
            self._bound(attempt.run)
        if value is None:
            self._returned[attempt.run] = None
            return
        if type(value) in ATOMS and self._mode != "all" and not attempt.remote:
            self._returned.put_alone(attempt.run, (attempt.number, attempt.job, attempt.root))
            return
        if is_no_value(value):
            self._returned[attempt.run] = None
            return
        known = self._values.who_returned(value)
        if known is None or not (passes_on or known.run == attempt.run):
            known = self._remembered(attempt, value)
            if self._mode == "all" or attempt.remote:
                self._record(known, value)
        self._returned[attempt.run] = known

    @guarded
    def yielded(self, attempt: Attempt, value: object) -> None:
        """A generator's attempt yielded a value; whoever gets all of them gets what the run returned."""
        if self._mode == "off" or is_no_value(value):
            return
        self._remembered(attempt, value)
        if attempt.run not in self._returned:
            whole = _returned_by(attempt)
            whole.content = unhashed(attempt.run, "yields")
            self._returned[attempt.run] = whole
            if self._mode == "all" or attempt.remote:
                self._record(whole, None)

    def _remembered(self, attempt: Attempt, value: object) -> Returned:
        returned = _returned_by(attempt)
        returned.alone = is_shared(value)
        self._values.remember(value, returned)
        return returned

    @guarded
    def kept(self, run: str, attempt: int, kept: Kept, *, cached: bool, root: str) -> None:
        """A run has ended and its result lies in the runner's storage.

        Args:
            cached: it was there before.
            root: the outermost run that it is nested in; "" if it is itself.
        """
        if self._mode == "off" or is_no_value(kept.value):
            return
        if cached:
            self._found_in_cache(run, attempt, kept, root)
            return
        returned = self._returned.get(run)
        if returned is not None and returned.run == run:
            self._record(returned, kept.value, f"result:{kept.key}")

    def _found_in_cache(self, run: str, attempt: int, kept: Kept, root: str) -> None:
        token = _token(run)
        returned = Returned(run, attempt, "", refers=token, recorded=True, root=root or run)
        self._values.remember(kept.value, returned)
        if not root:
            self._bound(run)
        self._returned[run] = returned
        edge = EdgeRecord.referring(
            f"result:{kept.key}", direction="output", how="observed", via="cache", at=now(), tokens=(token,)
        )
        self._recorder.write(Record(RunRecord(run), attempt, (edge,)))

    @guarded
    def delivered(self, run: str, value: object) -> None:
        """The result of a run was taken out of its state; where another process made it, it is new here."""
        if self._mode == "off" or run in self._returned or is_no_value(value) or is_shared(value):
            return
        if self._values.who_returned(value) is None:
            outer = current.get()
            root = outer.root if outer is not None else ""
            returned = Returned(run, 0, "", refers=_token(run), recorded=True, root=root)
            self._values.remember(value, returned)

    def unseen(self, run: str) -> None:
        """A run that is not captured begins: whoever receives what it returns has no edge."""
        self._bound(run)
        self._returned[run] = None

    def _bound(self, run: str) -> None:
        """Runs inside no other end with nobody saying that what they returned may be forgotten: the oldest is."""
        self._rootless[run] = None
        while len(self._rootless) > _MAX_ROOTLESS:
            self._returned.drop(self._rootless.popitem(last=False)[0])

    def forget(self, root: str) -> None:
        """The outermost run has ended: nobody will ask for what its runs returned."""
        self._values.forget_held(root)
        self._returned.forget(root)
        self._rootless.pop(root, None)

    # -- the consumer's side -----------------------------------------------------------------------

    def passed(self, attempt: Attempt, parameters: Mapping[str, object], arrival: Arrival) -> None:
        """An attempt begins with these arguments: those that other runs returned are its inputs."""
        if self._mode == "off":
            return
        if arrival is NOTHING_CAME:
            for argument in parameters.values():
                if type(argument) not in ATOMS:
                    break
            else:
                return  # of numbers and texts nobody can say who returned them
        self._passed(attempt, parameters, arrival)

    @guarded
    def _passed(self, attempt: Attempt, parameters: Mapping[str, object], arrival: Arrival) -> None:
        edges = list(self._inputs(attempt.run, parameters, arrival))
        if edges:
            attempt.declared += edges
            with paused():
                self._recorder.write(Record(RunRecord(attempt.run), attempt.number, tuple(edges)))

    def _inputs(self, run: str, parameters: Mapping[str, object], arrival: Arrival) -> Iterator[EdgeRecord]:
        seen: set[object] = set()
        for parameter, found, value in self._found(parameters, arrival):
            key = found.refers or id(found) if isinstance(found, Returned) else found
            if key in seen or (isinstance(found, Returned) and found.run == run):
                continue
            seen.add(key)
            yield self._input(parameter, found, value)

    def _found(
        self, parameters: Mapping[str, object], arrival: Arrival
    ) -> Iterator[tuple[str, Returned | str, object]]:
        """Parameter, what is known of the producer (or a token), and the value."""
        for parameter, argument in parameters.items():
            for value in walk(argument, known=self._values.who_returned):
                known = self._values.who_returned(value) or self._values.made_of(value)
                if known is not None:
                    yield parameter, known, value
        for parameter, producer, value in arrival.resolved:
            if not is_no_value(value):
                known = self._values.who_returned(value) or self._returned.get(producer)
                if known is not None or producer not in self._returned:
                    yield parameter, known or _token(producer), value
        for parameter, token in arrival.tokens:
            yield parameter, token, None

    def _input(self, parameter: str, found: Returned | str, value: object) -> EdgeRecord:
        if isinstance(found, str):
            return _reference(found, parameter)
        if found.refers is not None:
            changed = self._values.was_changed(found, value) or self._is_only_made_of(value, found)
            return _reference(found.refers, parameter, changed=changed)
        changed = self._record(found, value)
        return self._without_secrets(self._values.input_edge(found, parameter, now(), changed=changed))

    # -- from process to process ------------------------------------------------------------------

    @guarded
    def handed_over(
        self, parameters: Mapping[str, object], resolved: Iterable[tuple[str, str, object]] = ()
    ) -> list[tuple[str, str]]:
        """Parameter and token of each known value that is about to go to another process."""
        if self._mode == "off":
            return []
        found: dict[tuple[str, str], None] = {}
        arrival = Arrival(resolved=list(resolved))
        for parameter, known, value in self._found(parameters, arrival):
            if isinstance(known, Returned):
                token = known.refers or _token(known.run, known.part)
                if known.refers is None:
                    self._record(known, value, token)
            else:
                token = known
            found[parameter, token] = None
        return list(found)

    # -- recording --------------------------------------------------------------------------------

    def _record(self, returned: Returned, value: object, *tokens: str) -> bool:
        """Record the producer's edge once, and each token once; True if the value is not what was returned."""
        with paused():
            if returned.recorded and id(value) != returned.identity and not tokens:
                return False  # a part of what was recorded as a whole
            changed = False
            if returned.content is None and returned.alone:
                returned.content = self._values.without_digest(value, returned.run)
            elif returned.content is None and self._is_only_made_of(value, returned):
                returned.content, changed = self._values.without_digest(value, returned.run), True
            elif self._values.is_member(value, returned):
                changed = False  # the content is that of the whole
            elif returned.content is None or not (is_shared(value) or value is None):
                changed = self._values.changed(returned, value)
            if returned.type == "value":
                returned.type = self._values.type_of(value)
            if returned.remote:
                tokens = (*tokens, _token(returned.run, returned.part))
            fresh = tuple(token for token in dict.fromkeys(tokens) if token not in returned.tokens)
            if fresh or not returned.recorded:
                edge = self._without_secrets(self._values.output_edge(returned, now()))
                times = 0 if returned.recorded else 1
                edge = replace(edge, tokens=fresh, times=times)
                returned.recorded = True
                returned.tokens += fresh
                self._recorder.write(Record(RunRecord(returned.run), returned.attempt, (edge,)))
            return changed

    def _is_only_made_of(self, value: object, returned: Returned) -> bool:
        """Whether it lies in the memory of what was returned, and is another object."""
        if id(value) == returned.identity or self._values.who_returned(value) is not None:
            return False
        return self._values.made_of(value) is returned

    def _without_secrets(self, edge: EdgeRecord) -> EdgeRecord:
        """A part of a value is called by its key, and a key may be anything."""
        place, scrub = edge.location, self._recorder.redactor.text
        return replace(edge, location=Location(place.namespace, scrub(place.key), scrub(place.uri)))


def _returned_by(attempt: Attempt) -> Returned:
    return Returned(attempt.run, attempt.number, attempt.job, root=attempt.root, remote=attempt.remote)


def _reference(token: str, parameter: str, *, changed: bool = False) -> EdgeRecord:
    how: How = "inferred" if changed else "observed"
    return EdgeRecord.referring(token, direction="input", how=how, via=f"argument {parameter}", at=now())


def _token(run: str, part: str = "") -> str:
    """How records of any process call what a run returned, or a part of it."""
    mark = (
        f":{hashlib.blake2b(part.encode(), digest_size=6).hexdigest()}" if part else ""
    )  # a key may be secret
    return f"run:{run}:return{mark}"


def is_no_value(value: object) -> bool:
    """Nothing, a failure that was passed on, or a state, a future and the like: how the runner passes values."""
    return (
        value is None
        or isinstance(value, BaseException)
        or str(getattr(type(value), "__module__", "")).startswith("prefect.")
    )
