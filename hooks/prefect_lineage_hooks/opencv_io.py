"""OpenCV: images, videos and settings, all of them opened in compiled code. A file that it cannot read is no
exception but None, and then nothing was read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claims, Interceptor
from prefect_lineage_hooks.places import place
from prefect_lineage_hooks.watching import Where, argument, writing

_READERS = ("imread", "imreadmulti", "imreadWithMetadata", "imreadanimation")
_WRITERS: dict[str, Where] = dict.fromkeys(
    ("imwrite", "imwritemulti", "imwriteWithMetadata", "imwriteanimation"), ("filename", 0)
)
_APPENDS, _WRITES = 2, 1


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    for name in _READERS:
        yield Interceptor("cv2", name, after=_reading(0), optional=True)
    yield from writing("cv2", _WRITERS, type_="image")
    yield Interceptor("cv2", "VideoCapture.__init__", after=_reading(1, "video"), optional=True)
    yield Interceptor("cv2", "VideoCapture.open", after=_reading(1, "video"), optional=True)
    yield Interceptor("cv2", "CascadeClassifier.__init__", after=_reading(1, "model"), optional=True)
    yield from writing(
        "cv2", {"VideoWriter.__init__": ("filename", 1), "VideoWriter.open": ("filename", 1)}, type_="video"
    )
    yield Interceptor("cv2", "FileStorage.__init__", _stored, optional=True)
    for name in (
        "readNet",
        "readNetFromONNX",
        "readNetFromCaffe",
        "readNetFromTensorflow",
        "readNetFromTFLite",
    ):
        yield Interceptor("cv2.dnn", name, after=_reading(0, "model"), optional=True)


def _reading(position: int, type_: str = "image") -> Claims:
    def claims(call: Call) -> Iterable[Claim]:
        path = place(argument(call, ("filename", position)))
        made = call.args[0] if call.result is None and position else call.result
        return [] if path is None or not _succeeded(made) else [Claim(path, "read", type=type_)]

    return claims


def _succeeded(result: Any) -> bool:
    """An array, a pair of a truth and a list, or an object that says whether it is open."""
    if result is None or result is False:
        return False
    if isinstance(result, tuple):
        return result[0] is not False
    is_open = getattr(result, "isOpened", None)
    return bool(is_open()) if callable(is_open) else True


def _stored(call: Call) -> Iterable[Claim]:
    path = place(argument(call, ("filename", 1)))
    flags = argument(call, ("flags", 2)) or 0
    if path is None or flags & 4:  # in memory
        return []
    return [Claim(path, "append" if flags & 3 == _APPENDS else "write" if flags & 3 == _WRITES else "read")]
