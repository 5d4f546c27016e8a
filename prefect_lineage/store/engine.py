"""Connections: opening them, taking the write lock, and errors that a person can read."""

from __future__ import annotations

import errno
import importlib.util
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.pool import QueuePool, StaticPool

from prefect_lineage.errors import StoreError, StoreForeign, StoreMissing
from prefect_lineage.store.bulk import BYTES_OF
from prefect_lineage.store.chance import between
from prefect_lineage.store.lines import dump_json, load_json

__all__ = ["Database", "RecordRefused", "parse_url"]

PATIENCE_S = 30.0
"""How long a writer waits for the others before it gives up; a drain, which tries again, takes less."""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_VANISHED = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_OPENINGS = 20
_UNFIT = ("rror binding parameter", "annot adapt type")  # a list where a text belongs, as drivers tell it
_POSTGRES_DRIVERS = ("psycopg", "psycopg2", "pg8000")
_ADVISORY_KEY = 0x6C696E65616765  # "lineage": any number serves, if all writers use the same
_EXPECTED = "expected sqlite:///path/to/lineage.db or postgresql://user@host/database"

# Engines that a fork copied. Closing their connections here would speak on the parent's sockets and
# drop the parent's locks, so they are kept from the garbage collector until this process ends.
_INHERITED: list[Engine] = []


class RecordRefused(StoreError):
    """The database works but will not take this very record; trying again is of no use."""


def parse_url(text: str) -> URL:
    """Read a store's URL; SQLite paths become absolute.

    Raises:
        StoreError: it is malformed or of an unsupported kind; a password is never repeated.
    """
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError) as error:
        # The text is not repeated: where it cannot be parsed, a password in it cannot be found.
        raise StoreError(f"The store's URL cannot be read: {_EXPECTED}.") from error
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _sqlite_url(url)
    backend, _, driver = url.drivername.partition("+")
    if backend in {"postgresql", "postgres"} and driver in {"", *_POSTGRES_DRIVERS}:
        return url.set(drivername=f"postgresql+{_postgres_driver(driver)}")
    raise StoreError(f"The store's URL begins with {url.drivername}:, which is not supported: {_EXPECTED}.")


def _sqlite_url(url: URL) -> URL:
    if url.query or url.host:
        raise StoreError(
            "The store's URL has more than a path: expected sqlite:///relative.db or sqlite:////absolute.db."
        )
    if url.database in {None, "", ":memory:"}:
        return url.set(drivername="sqlite", database=":memory:")
    return url.set(drivername="sqlite", database=str(Path(str(url.database)).expanduser().absolute()))


def _postgres_driver(asked: str) -> str:
    for driver in (asked,) if asked else _POSTGRES_DRIVERS:
        if importlib.util.find_spec(driver):
            return driver
    missing = (
        f"{asked}, which the store's URL names, is"
        if asked
        else "A store in PostgreSQL needs a driver that is"
    )
    raise StoreError(f"{missing} not installed: pip install 'prefect-lineage[postgres]' brings psycopg.")


class Database:
    """One database behind a URL. Threads may share it; after a fork the child connects anew.

    Raises:
        StoreError: and its tree, from every method; nothing of SQLAlchemy or SQLite leaves bare.
    """

    def __init__(
        self, url: str, *, readonly: bool = False, durable: bool = False, patience: float = PATIENCE_S
    ) -> None:
        self.url = parse_url(url)
        self.patience = patience
        self.readonly = readonly
        self.durable = durable
        self.is_sqlite = self.url.drivername == "sqlite"
        self.in_memory = self.is_sqlite and self.url.database == ":memory:"
        # One connection serves all threads of a store in memory: one at a time.
        self._turn = threading.RLock() if self.in_memory else None
        if self.is_sqlite and not self.in_memory:
            _check_file(Path(str(self.url.database)), readonly)
        self._file = self._seen_file()
        self._pid = os.getpid()
        with self.translated():
            self._engine = self._create()

    def __str__(self) -> str:
        """The URL as it may be shown."""
        return self.url.set(query={}).render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection in a transaction that sees one state of the store, whoever writes meanwhile."""
        with self.translated(), self._turn or nullcontext(), self._current().connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection that holds the write lock; committed at the end, rolled back on an error."""
        if self.readonly:
            raise StoreError(f"The store {self} was opened read-only and cannot be written to.")
        with self.translated(), self._turn or nullcontext(), self._current().connect() as connection:
            writer = connection.execution_options(lineage_write=True)
            with writer.begin():
                if not self.is_sqlite:
                    # One writer at a time, as SQLite has it: no deadlocks, numbers without gaps.
                    writer.execute(sa.text(f"SET LOCAL lock_timeout = '{int(self.patience)}s'"))
                    writer.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_KEY)))
                yield writer

    def is_gone(self) -> bool:
        """Whether the file behind an SQLite store was deleted, or another one has its name."""
        return self._file is not None and self._file != self._seen_file()

    def _seen_file(self) -> tuple[int, int] | None:
        if not self.is_sqlite or self.in_memory:
            return None
        try:
            state = Path(str(self.url.database)).stat()
        except OSError:
            return None
        return state.st_dev, state.st_ino

    def close(self) -> None:
        """Close every connection."""
        with self.translated():
            self._current().dispose()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the errors of the layers below into ours."""
        try:
            yield
        except (exc.SQLAlchemyError, sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> StoreError:
        cause = getattr(error, "orig", None) or error
        words = str(cause).strip().partition("\n")[0].rstrip(".") or type(cause).__name__
        if self.url.password:
            words = words.replace(str(self.url.password), "***")
        if _is_refusal(error):
            return RecordRefused(f"The store {self} refuses what was recorded: {words}.")
        if _is_busy(cause):
            return StoreError(f"The store {self} is locked by another process; try again when that is done.")
        if isinstance(cause, sqlite3.DatabaseError) and "not a database" in words:
            return StoreForeign(f"{self.url.database} is not an SQLite database, so it is no lineage store.")
        return StoreError(f"The store {self} cannot be used: {words}.")

    def _current(self) -> Engine:
        if self._pid != os.getpid():
            _INHERITED.append(self._engine)
            self._engine, self._pid = self._create(), os.getpid()
        return self._engine

    def _create(self) -> Engine:
        options: dict[str, Any] = {"json_serializer": dump_json, "json_deserializer": load_json}
        if not self.is_sqlite:
            connect = {} if self.url.drivername.endswith("pg8000") else {"connect_timeout": 10}
            if self.readonly:
                options["execution_options"] = {"postgresql_readonly": True}
            return sa.create_engine(self.url, pool_pre_ping=True, connect_args=connect, **options)
        pool = StaticPool if self.in_memory else QueuePool
        engine = sa.create_engine("sqlite://", creator=self._connect_sqlite, poolclass=pool, **options)
        event.listen(engine, "begin", self._begin_sqlite)
        return engine

    def _begin_sqlite(self, connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - _connect_sqlite made it
        if connection.get_execution_options().get("lineage_write"):
            _begin_immediate(raw, self.patience)
        else:
            raw.execute("BEGIN")

    def _connect_sqlite(self) -> sqlite3.Connection:
        if self.in_memory:
            connection = _raw(":memory:")
        elif self.readonly:
            connection = _raw_readonly(Path(str(self.url.database)))
        else:
            connection = _raw(str(self.url.database))
        try:
            # SQLAlchemy sees nothing of these, so a failure must not leak the connection.
            if not (self.readonly or self.in_memory):
                _use_wal(connection, self.patience)
            connection.create_function(BYTES_OF, 1, bytes.fromhex, deterministic=True)
            connection.execute(f"PRAGMA synchronous={'FULL' if self.durable else 'NORMAL'}")
            # Every key that we write was just read or made, under the write lock: to look each up again would take a
            # tenth of the writer's time. ``db check`` looks at all of them; PostgreSQL does by itself.
            connection.execute("PRAGMA foreign_keys=OFF")
            if self.readonly:
                connection.execute("PRAGMA query_only=ON")
        except BaseException:
            connection.close()
            raise
        return connection


def _raw(database: str, *, uri: bool = False) -> sqlite3.Connection:
    # isolation_level=None: the module begins nothing by itself, _begin_sqlite does.
    return sqlite3.connect(database, uri=uri, timeout=5.0, isolation_level=None, check_same_thread=False)


def _raw_readonly(path: Path) -> sqlite3.Connection:
    """Open a file to read it; the last writer that leaves meanwhile takes the side files away that were just seen."""
    for left in reversed(range(_OPENINGS)):
        connection = _raw(_readonly_uri(path), uri=True)
        try:
            connection.execute("PRAGMA schema_version")  # looks into the files: from now on they stay
        except sqlite3.Error as error:
            connection.close()
            if not left or (error.sqlite_errorcode & 0xFF) not in _VANISHED:
                raise
            time.sleep(between(0.005, 0.05))
        else:
            return connection
    raise AssertionError("the last opening returns or raises")


def _use_wal(connection: sqlite3.Connection, patience: float) -> None:
    """The switch needs the file alone; who comes second finds it switched."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(between(0.005, 0.05))
        else:
            return


def _begin_immediate(raw: sqlite3.Connection, patience: float) -> None:
    """Take the write lock. SQLite's own waiting starves some writers; random pauses are fair."""
    deadline = time.monotonic() + patience
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(between(0.001, 0.03))
            else:
                return
    finally:
        raw.execute("PRAGMA busy_timeout=5000")


def _is_busy(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _BUSY


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, exc.DBAPIError):
        if error.connection_invalidated:
            return False
        is_of_type = any(words in str(error.orig) for words in _UNFIT)
        return is_of_type or isinstance(error, (exc.DataError, exc.IntegrityError))
    return isinstance(error, (exc.StatementError, OverflowError, UnicodeError))


def _readonly_uri(path: Path) -> str:
    """How to open a file without changing it.

    ``mode=ro`` leaves the WAL's side files behind, so where no writer has left any the file is opened for
    writing and never written to (``query_only``). In a directory that cannot be written to, SQLite cannot make
    them; nobody else writes there either, so ``immutable`` is true.
    """
    side = path.with_name(path.name + "-wal")
    if side.exists() and side.stat().st_size:
        mode = "ro"
    elif os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        mode = "rw"
    else:
        mode = "ro" if side.exists() else "ro&immutable=1"
    return f"file:{quote(str(path))}?mode={mode}"


def _check_file(path: Path, readonly: bool) -> None:
    """See that the file may be a store, without opening it.

    Who closes a file takes away the locks of the whole process on it (POSIX), SQLite's too: another process would
    take itself for the last one, and delete what this one still writes to. Whether it is a database SQLite tells.
    """
    try:
        if path.is_dir():
            raise StoreForeign(f"{path} is a directory, so it is no lineage store: name a file in it.")
        if not path.exists():
            if readonly:
                raise StoreMissing(f"There is no lineage store at {path}: nothing was recorded there yet.")
            path.parent.mkdir(parents=True, exist_ok=True)
            _create_private(path)
        elif not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StoreError(f"The store {path} cannot be used: {error.strerror or error}.") from error


def _create_private(path: Path) -> None:
    """An empty file with its final mode, under its name only when nobody here has it open any more.

    Parameters of runs are nobody else's business; SQLite gives its side files the same mode.
    """
    descriptor, unnamed = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # mode 0600
    os.close(descriptor)
    try:
        os.link(unnamed, path)
    except FileExistsError:
        return  # somebody was quicker
    finally:
        os.unlink(unnamed)  # noqa: PTH108 - a plain name
