"""Joins the page's ES modules into one script, so that a browser can run them from a file.

A browser refuses ``import`` from ``file://``. Each module becomes a function scope that returns what it exports;
imports become reads of what the modules before returned. Only the forms that the page's modules use are
understood: named imports of ``./x.js``, and ``export`` before ``const``, ``function``, ``async function`` or ``class``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from prefect_lineage.errors import MapError

__all__ = ["bundle"]

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z_]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (?=(?:const|function\*?|async function|class) ([A-Za-z_$][\w$]*))", re.MULTILINE
)
_LEFT_OVER = re.compile(r"^\s*(?:import|export)\b.*$", re.MULTILINE)


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """One strict script out of a module and all that it imports.

    Args:
        entry: the name of the first module, without ``.js``.
        read: gives the source of a module by its name.

    Raises:
        MapError: the modules import in a circle, or use a form that is not understood.
    """
    sources: dict[str, str] = {}
    _collect(entry, read, sources, ())
    return "'use strict';\n(() => {\n" + "".join(sources.values()) + "})();\n"


def _collect(name: str, read: Callable[[str], str], sources: dict[str, str], path: tuple[str, ...]) -> None:
    if name in path:
        raise MapError(f"The page's scripts import in a circle: {' > '.join((*path, name))}.")
    if name in sources:
        return
    text = read(name)
    for found in _IMPORT.finditer(text):
        _collect(found[2], read, sources, (*path, name))
    sources[name] = _scope(name, text)


def _scope(name: str, text: str) -> str:
    exported = [found[1] for found in _EXPORT.finditer(text)]
    body = _EXPORT.sub("", _IMPORT.sub(_read_import, text))
    if odd := _LEFT_OVER.search(body):
        raise MapError(
            f"The script {name}.js has a line that the bundler does not understand: {odd[0].strip()}"
        )
    return f"const module_{name} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();\n"


def _read_import(found: re.Match[str]) -> str:
    names = ", ".join(re.sub(r"\s+as\s+", ": ", name.strip()) for name in found[1].split(",") if name.strip())
    return f"const {{ {names} }} = module_{found[2]};\n"
