"""lxml: documents that it parses and writes in compiled code."""

from __future__ import annotations

from collections.abc import Iterable

from prefect_lineage import hookimpl
from prefect_lineage.interceptors import Call, Claim, Claims, Interceptor
from prefect_lineage_hooks.places import local, place
from prefect_lineage_hooks.watching import Where, argument, writing


@hookimpl
def lineage_interceptors() -> Iterable[Interceptor]:
    """What is watched."""
    for name in ("parse", "iterparse"):
        yield Interceptor("lxml.etree", name, _reading(("source", 0), "xml"), optional=True)
    for name in ("DTD", "RelaxNG", "Schematron", "XMLSchema"):
        yield Interceptor("lxml.etree", name, _reading("file", "xml"), optional=True)
    yield Interceptor("lxml.html", "parse", _reading("filename_or_url", "html"), optional=True)
    yield from writing("lxml.etree", {"xmlfile": ("output_file", 0)}, "xml")
    methods: dict[str, Where] = {"_ElementTree.write": ("file", 1), "_ElementTree.write_c14n": ("file", 1)}
    yield from writing("lxml.etree", methods, "xml")


def _reading(where: Where, format_: str) -> Claims:
    def claims(call: Call) -> Iterable[Claim]:
        path = place(argument(call, where))
        return [] if path is None else [Claim(local(path) or path, "read", format_)]

    return claims
