"""soundfile: sounds, read and written in compiled code."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Interceptor
from prefect_lineage_hooks.places import place
from prefect_lineage_hooks.watching import by_mode, reading, writing


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    yield from reading("soundfile", {"read": "file", "info": "file", "blocks": "file"}, type_="audio")
    yield from writing("soundfile", {"write": "file"}, type_="audio")
    yield Interceptor("soundfile", "SoundFile.__init__", _opened)


def _opened(call: Call) -> Iterable[Claim]:
    path = place(call["file"])
    return [] if path is None else [Claim(path, by_mode(call["mode"]), type="audio")]
