"""Settings: ``PREFECT_LINEAGE_*``, then ``prefect-lineage.toml``, then ``[tool.prefect-lineage]``.

The environment wins; the files are looked for in the working directory and above it, the nearest of each
counts. A setting that is unknown or malformed is reported and left at its default: a typing error in
a settings file must not stop anybody's flow.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from prefect_lineage.model.series import DATES

__all__ = ["Settings", "load", "prefect_home"]

PREFIX = "PREFECT_LINEAGE_"
_LISTS = ("ignore", "disable")
_BROKEN = (OSError, RuntimeError, ValueError)
"""What a path can raise: no such user, a loop of links, a directory that is gone, a NUL in it."""
_Words = Annotated[tuple[str, ...], NoDecode]


def prefect_home() -> Path:
    """Where Prefect keeps its files: ``$PREFECT_HOME``, else ``~/.prefect``."""
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect")
    try:
        return home.expanduser()
    except RuntimeError:  # a user without a home directory: Prefect itself uses the path as it is written
        return home


class Settings(BaseSettings):
    """What can be set; each field's meaning is in ``docs/settings.md``.

    Attributes:
        url: the store, a SQLAlchemy URL. Empty: ``sqlite:///$PREFECT_HOME/lineage.db``.
        enabled: False switches everything off; None leaves it to how capture is started.
        journal_dir: where records wait on disk for the store.
        root: local files below it are shown relative to it.
        ignore: globs of paths that are never recorded.
        disable: names of plugins to leave out.
        hash_limit: bytes; a larger file is not hashed and its version says so.
        values: record values passed between tasks, all returned values, or none.
        max_edges_per_run: more than these are dropped, and the run says how many.
        namespace: with it, files below ``root`` are the same artifacts on every machine.
        redact: regular expressions of further secrets.
        digest: the algorithm of new digests.
        fsync: wait for the disk at every record, so that not even a power failure loses one.
        series: regular expressions of what is a date in a name; lists show names that differ in nothing else as one.
        map_on_flow_end: a directory: the map of each flow run is written there when it ends.
        warnings: one sentence for each setting that was unknown or malformed.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    url: str = ""
    enabled: bool | None = None
    journal_dir: Path = Path()
    root: Path = Path()
    ignore: _Words = ()
    disable: _Words = ()
    hash_limit: int = 1 << 30
    values: Literal["passed", "all", "off"] = "passed"
    max_edges_per_run: int = 10_000
    namespace: str | None = None
    redact: _Words = ()
    series: _Words = DATES
    digest: Literal["blake3", "sha256"] = "blake3"
    fsync: bool = False
    map_on_flow_end: Path | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)  # load() has read the sources, so that each can be checked by itself

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("redact", "series", mode="before")
    @classmethod
    def _lines(cls, value: object) -> object:
        if isinstance(value, str):  # one pattern a line: a pattern may hold commas, as in \d{3,5}
            return tuple(line.strip() for line in value.split("\n") if line.strip())
        return value

    @field_validator("map_on_flow_end", mode="before")
    @classmethod
    def _nowhere(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("journal_dir", "root", "map_on_flow_end")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        try:
            found = value.expanduser()
        except RuntimeError as error:
            raise ValueError(f"{str(value)!r} has no home directory") from error
        if "\0" in str(found):
            raise ValueError("a path holds no NUL character")
        return found

    @field_validator("hash_limit", "max_edges_per_run")
    @classmethod
    def _natural(cls, value: int) -> int:
        if value < 0:
            raise ValueError("must not be negative")
        return value


def load(directory: Path | None = None) -> Settings:
    """Read the settings that hold in ``directory`` (default: the working directory). Never raises."""
    start = _here(directory)
    found, warnings = _gather(start)
    while True:
        try:
            settings = Settings(**found)
        except ValidationError as error:
            for problem in error.errors():
                name = str(problem["loc"][0])
                found.pop(name, None)
                warnings.append(f"The setting {PREFIX}{name.upper()} is ignored: {problem['msg']}.")
        else:
            return _completed(settings, start, warnings)


def _here(directory: Path | None) -> Path:
    try:
        return (directory or Path.cwd()).resolve()
    except _BROKEN:  # the working directory has been deleted
        return Path("/")


def _completed(settings: Settings, start: Path, warnings: list[str]) -> Settings:
    home = prefect_home()
    given = settings.model_fields_set
    return settings.model_copy(
        update={
            "url": settings.url or f"sqlite:///{home / 'lineage.db'}",
            "journal_dir": settings.journal_dir if "journal_dir" in given else home / "lineage-journal",
            "root": _resolved(settings.root) if "root" in given else _project_root(start),
            "redact": tuple(_compiling("REDACT", settings.redact, warnings)),
            "series": tuple(_compiling("SERIES", settings.series, warnings)),
            "warnings": tuple(warnings),
        }
    )


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except _BROKEN:
        return path


def _compiling(name: str, patterns: tuple[str, ...], warnings: list[str]) -> Iterator[str]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError, Warning) as error:
            warnings.append(
                f"The setting {PREFIX}{name} is not what it should be: {pattern!r} is no regular expression "
                f"({error}); it is left out, the others hold."
            )
        else:
            yield pattern


def _gather(start: Path) -> tuple[dict[str, Any], list[str]]:
    warnings: list[str] = []
    found: dict[str, Any] = {}
    for source, values in (*_files(start, warnings), ("the environment", _environment())):
        for name, value in values.items():
            field = name.lower().replace("-", "_")
            if field in Settings.model_fields and field != "warnings":
                found[field] = value
            else:
                warnings.append(f"{source} sets {name!r}, which is no setting of prefect-lineage; ignored.")
    return found, warnings


def _environment() -> dict[str, str]:
    return {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}


def _files(start: Path, warnings: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """The nearest file of each kind, the weaker first."""
    found = []
    for name, table in (("pyproject.toml", ("tool", "prefect-lineage")), ("prefect-lineage.toml", ())):
        for folder in (start, *start.parents):
            values = _table(folder / name, table, warnings)
            if values is not None:
                found.append((str(folder / name), values))
                break
    return found


def _table(path: Path, keys: tuple[str, ...], warnings: list[str]) -> dict[str, Any] | None:
    try:
        if not path.is_file():
            return None
        data: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        warnings.append(f"{path} cannot be read and is ignored: {error}.")
        return None
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else None


def _project_root(start: Path) -> Path:
    """The root of the git work tree around ``start``, else ``start``."""
    return next((folder for folder in (start, *start.parents) if _exists(folder / ".git")), start)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a directory above that may not be looked into
        return False
