"""A Spark cluster: a driver in this process (spark://HOST:PORT), or Spark Connect (sc://HOST:PORT)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

import ibis
import ibis.expr.types as ir
from ibis.backends.sql.compilers import PySparkCompiler
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from analytics.engines import EngineError, EngineUnavailableError

AGAIN = 0.5  # seconds between two attempts to stop a query
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, and never another number
}


class SparkEngine:
    """A session of the cluster at *url*, with a temporary view for each table of the copy."""

    def __init__(self, url: str):
        self.url = url
        self._views: dict[str, str] = {}  # the newest view of each table
        self._lock = Lock()

    def rows(
        self, expression: ir.Table, name: str, urls: Sequence[str], seconds: float | None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of *expression*. Raises TimeoutError and EngineError."""
        session = self.session  # loads the options that the compiler reads
        sql = PySparkCompiler().to_sqlglot(expression).sql("spark")
        with self._stopped_after(seconds) as is_late:
            try:
                self._show(name, urls)
                rows = [tuple(row) for row in session.sql(sql).collect()]
            except (PySparkException, Py4JError) as error:
                if not is_late.is_set():
                    raise EngineError(str(error).partition("\n")[0]) from error
            if is_late.is_set():
                raise TimeoutError(f"Spark took longer than {seconds:g} seconds.")
            return rows

    @contextmanager
    def _stopped_after(self, seconds: float | None) -> Iterator[Event]:
        """Stop the jobs of the block after *seconds*, and then set the event."""
        is_late, is_done = Event(), Event()
        if seconds is None:
            yield is_late
            return
        mark, stop, unmark = self._mark(f"tabularium-{uuid4()}")

        def watch() -> None:
            wait = seconds
            while not is_done.wait(wait):
                is_late.set()
                stop()
                wait = AGAIN  # the query may not have had a job yet

        watcher = Thread(target=watch, daemon=True)
        mark()
        watcher.start()
        try:
            yield is_late
        finally:
            is_done.set()
            watcher.join()
            unmark()

    def _mark(self, name: str) -> tuple[Callable[[], object], ...]:
        """Return functions that mark the jobs of this thread, stop the marked ones from any thread, and end this."""
        session = self.session
        if self.url.startswith("sc://"):
            return (lambda: session.addTag(name), lambda: session.interruptTag(name), lambda: session.removeTag(name))
        context = session.sparkContext
        return (
            lambda: context.setJobGroup(name, "A question of the site", interruptOnCancel=True),
            lambda: context.cancelJobGroup(name),
            lambda: context.setLocalProperty("spark.jobGroup.id", None),
        )

    @cached_property
    def session(self) -> SparkSession:
        """The session of this process. Raises EngineUnavailableError."""
        ibis.pyspark  # noqa: B018 - loads the options that the compiler reads
        builder = SparkSession.builder.appName("tabularium")
        builder = builder.remote(self.url) if self.url.startswith("sc://") else builder.master(self.url)
        try:
            session = builder.getOrCreate()
            for setting, value in SETTINGS.items():
                session.conf.set(setting, value)
        except (PySparkException, Py4JError, RuntimeError) as error:
            raise EngineUnavailableError(str(error).partition("\n")[0]) from error
        return session

    def _show(self, name: str, urls: Sequence[str]) -> None:
        """Create the view *name* of the files, and drop the view of an earlier copy of the same table."""
        table = name.rpartition("@")[0]
        with self._lock:
            earlier = self._views.get(table)
            if earlier == name:
                return
            self.session.read.parquet(*urls).createOrReplaceTempView(f"`{name}`")
            if earlier:
                self.session.catalog.dropTempView(f"`{earlier}`")
            self._views[table] = name
