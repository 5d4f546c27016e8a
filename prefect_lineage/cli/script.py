"""Run somebody's script or module with capture on, as if ``python`` had been called with it.

The script sees itself as ``__main__``, with its own arguments and its own import path, and keeps both to
the end of the process: functions that it registers or leaves running must find their globals. Hence no
``runpy``, which puts the old ``__main__`` back and empties the new one.
"""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from prefect_lineage.errors import LineageError

__all__ = ["plugin_switch", "run_module", "run_script", "split_arguments"]

_INTERRUPTED = 130
_OWN_FRAMES = (
    __file__,
    "<frozen importlib.util>",
    "<frozen importlib._bootstrap>",
    "<frozen importlib._bootstrap_external>",
)


class _NotRunnable(LineageError):
    """Ours, in contrast to a LineageError that the imported package raises."""


def split_arguments(arguments: Sequence[str]) -> list[str]:
    """Put ``--`` between our options and the script with its own, however much they look like ours."""
    own: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        own.append(word)
        if word in {"--url", "-m"} and rest:
            own.append(rest.pop(0))
        if word.startswith("-m") and not word.startswith("--"):
            break
    return [*own, "--", *rest]


def run_script(script: str, arguments: Sequence[str], url: str | None = None) -> int:
    """Run a Python file; return the exit code that ``python`` would have ended with.

    Raises:
        LineageError: there is no such file, or it is no Python source.
    """
    code = _script_code(script)
    if isinstance(code, int):
        return code
    path = str(Path(script).absolute())
    module = _new_main()
    module.__dict__.update(
        __file__=path,
        __cached__=None,
        __package__=None,
        __spec__=None,
        __loader__=SourceFileLoader("__main__", path),
    )
    _set_stage([script, *arguments], str(Path(script).resolve().parent))
    _start_capture(url)
    return _execute(code, module)


def run_module(name: str, arguments: Sequence[str], url: str | None = None) -> int:
    """Run an importable module, or a package's ``__main__``, as ``python -m`` does.

    Raises:
        LineageError: there is no such module, or it cannot be run.
    """
    _set_stage(["-m", *arguments], str(Path.cwd()))
    _start_capture(url)  # before the packages above the module are imported: they may do the work
    try:
        spec = _runnable(name)
        code = spec.loader.get_code(spec.name) if spec.loader else None  # type: ignore[attr-defined]
    except _NotRunnable:
        raise
    except BaseException as error:  # noqa: BLE001 - the imported package is the user's code: anything can come
        return _ended(error)
    if code is None:
        raise LineageError(f"The module {name!r} has no Python code that could be run.")
    module = _new_main()
    module.__dict__.update(
        __file__=spec.origin,
        __cached__=spec.cached,
        __package__=spec.parent,
        __spec__=spec,
        __loader__=spec.loader,
    )
    sys.argv[0] = spec.origin or name
    return _execute(code, module)


def _script_code(script: str) -> CodeType | int:
    """The compiled script, or the exit code if it has a syntax error (which then has been printed)."""
    path = Path(script)
    if path.is_dir():
        raise LineageError(
            f"{script!r} is a directory, but a Python file is needed; name the file, or use -m for a package."
        )
    try:
        with io.open_code(str(path.absolute())) as file:
            source = file.read()
    except FileNotFoundError:
        raise LineageError(
            f"There is no script {script!r} in {str(Path.cwd())!r}; name a Python file."
        ) from None
    except OSError as error:
        raise LineageError(f"The script {script!r} cannot be read: {error.strerror or error}.") from None
    if b"\0" in source:
        raise LineageError(f"{script!r} is not Python source: it contains null bytes.")
    try:
        return compile(source, str(path.absolute()), "exec", dont_inherit=True)
    except SyntaxError as error:
        return _ended(error)


def _runnable(name: str) -> ModuleSpec:
    """The spec to run for ``name``; a package stands for its ``__main__``."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise _NotRunnable(f"{name!r} is no module name; write it as in an import: package.module.")
    spec = _found(name)
    if spec is not None and spec.submodule_search_locations is not None:
        main = f"{name}.__main__"
        spec = _found(main)
        if spec is None:
            raise _NotRunnable(f"The package {name!r} cannot be run: it has no module __main__.")
    if spec is None:
        raise _NotRunnable(f"There is no module {name!r} to be imported from {str(Path.cwd())!r}.")
    return spec


def _found(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        # only what was asked for, or a package above it: an import inside that package is the user's error
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None
        raise


def _set_stage(arguments: list[str], folder: str) -> None:
    """``sys.argv`` and the first entry of the import path, as ``python`` sets them."""
    sys.argv = arguments
    if not sys.flags.safe_path:
        sys.path[0:1] = [folder]


def _start_capture(url: str | None) -> None:
    """Switch capture on in this process and, through the environment, in those that it starts."""
    from prefect_lineage.api.lineage_urls import store_url
    from prefect_lineage.settings import load

    if url is not None:
        os.environ["PREFECT_LINEAGE_URL"] = store_url(url)
    if load().enabled is False:
        return
    os.environ[plugin_switch()] = "1"
    import prefect_lineage

    prefect_lineage.enable()


def plugin_switch() -> str:
    """Prefect's own switch; before 3.8 it bore another name, which later releases warn about."""
    try:
        release = tuple(int(part) for part in version("prefect").split(".")[:2])
    except (PackageNotFoundError, ValueError):
        release = (3, 8)
    return "PREFECT_PLUGINS_ENABLED" if release >= (3, 8) else "PREFECT_EXPERIMENTS_PLUGINS_ENABLED"


def _new_main() -> ModuleType:
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    return module


def _execute(code: CodeType, module: ModuleType) -> int:
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the user's script is what was asked for
    except BaseException as error:  # noqa: BLE001 - every way in which a script can end has its exit code
        return _ended(error)
    return 0


def _ended(error: BaseException) -> int:
    """The exit code of a script that ended so; what ``python`` prints of it has been printed."""
    if isinstance(error, SystemExit):
        return _exit_code(error.code)
    trace = _theirs(error.__traceback__)
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)  # noqa: T201 - as python does with sys.exit("words")
    return 1


def _theirs(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames that lead to the script."""
    while trace is not None and trace.tb_frame.f_code.co_filename in _OWN_FRAMES:
        trace = trace.tb_next
    return trace
