"""What capture cannot know by itself of a fieldbook: its format, its columns and how many rows it has.

Nothing here runs unless prefect-lineage is installed and on; the library itself does not import it.
"""

from collections.abc import Iterable
from typing import Any

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Description, Interceptor, reads, writes

COLUMNS = (("species", "text"), ("number", "integer"))


def _written(call: Call) -> Description:
    return Description(rows=len(call["counts"]), schema=COLUMNS)


def _read(call: Call) -> Description:
    return Description(rows=len(call.result), schema=COLUMNS)


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """The two calls of the library that touch data."""
    written = writes("path", format="fieldbook", type="dataset", describe=_written)
    read = reads("path", format="fieldbook", type="dataset", describe=_read)
    return [Interceptor("fieldbook", "write", written), Interceptor("fieldbook", "read", read)]


@hookimpl
def lineage_node_style(node: dict[str, Any]) -> dict[str, str] | None:
    """Books are called so on the map."""
    return {"label": "fieldbook"} if node.get("format") == "fieldbook" else None
