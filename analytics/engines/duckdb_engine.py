"""DuckDB in this process, with limits, and with access to nothing but the files of the copy."""

import os
from collections.abc import Sequence
from contextlib import closing
from threading import Lock, Timer
from typing import Any

import duckdb
import ibis.expr.types as ir
from ibis.backends.sql.compilers import DuckDBCompiler

from analytics.engines import EngineError, EngineUnavailableError
from analytics.storage import Storage

FAILURES = (duckdb.Error, OSError)  # an OSError is of the storage


class DuckDBEngine:
    """An in-memory database of DuckDB, with a view for each table of the copy.

    *threads* and *memory* (in MB) are for all queries of this process together.
    """

    def __init__(self, storage: Storage, threads: int, memory: int):
        self.storage, self.threads, self.memory = storage, threads, memory
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._views: dict[str, str] = {}  # the newest view of each table
        self._lock = Lock()

    def rows(
        self, expression: ir.Table, name: str, urls: Sequence[str], seconds: float | None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of *expression*. Raises TimeoutError and EngineError."""
        sql = DuckDBCompiler().to_sqlglot(expression).sql("duckdb")
        with closing(self.open_view(name, urls)) as cursor:
            watch = Timer(seconds, cursor.interrupt) if seconds else None
            try:
                if watch:
                    watch.start()
                return cursor.execute(sql).fetchall()
            except duckdb.InterruptException as error:
                raise TimeoutError(str(error)) from error
            except FAILURES as error:
                raise EngineError(str(error).partition("\n")[0]) from error
            finally:
                if watch:
                    watch.cancel()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        folder = self.storage.url("").replace("'", "''")
        try:
            connection = duckdb.connect(
                ":memory:",
                config={
                    "threads": self.threads,
                    "memory_limit": f"{self.memory}MB",
                    "temp_directory": "",
                    "autoload_known_extensions": False,
                    "autoinstall_known_extensions": False,
                    "allow_community_extensions": False,
                },
            )
            if not self.storage.is_local:
                connection.register_filesystem(self.storage.fs)
            connection.execute("SET parquet_metadata_cache = true")  # the files of a copy never change
            connection.execute(f"SET allowed_directories = ['{folder}']")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
        except duckdb.Error as error:
            raise EngineUnavailableError(str(error).partition("\n")[0]) from error
        return connection

    def open_view(self, name: str, urls: Sequence[str]) -> duckdb.DuckDBPyConnection:
        """Return a cursor with the view *name* of the files. The view of an earlier copy of the table is dropped."""
        table = name.rpartition("@")[0]
        with self._lock:
            self._connection = self._connection or self._connect()
            cursor = self._connection.cursor()
            earlier = self._views.get(table)
            if earlier == name:
                return cursor
            files = ", ".join("'" + url.replace("'", "''") + "'" for url in urls)
            try:
                cursor.execute(f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM read_parquet([{files}])')
                if earlier:
                    cursor.execute(f'DROP VIEW "{earlier}"')
            except FAILURES as error:
                raise EngineError(str(error).partition("\n")[0]) from error
            self._views[table] = name
            return cursor


def process_id() -> int:
    """Return the process in which a connection may be used: DuckDB's threads do not survive a fork."""
    return os.getpid()
