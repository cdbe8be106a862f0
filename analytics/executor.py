"""Answers questions about records from the copy, if it has the dataset's current version."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from time import monotonic
from typing import Any

import ibis
import ibis.expr.types as ir
from django.core.exceptions import EmptyResultSet
from django.db import models
from ibis.common.annotations import ValidationError
from ibis.common.exceptions import IbisError

from analytics.columns import TYPES, names_by_path
from analytics.engines import Engine, EngineError, EngineUnavailableError
from analytics.engines.duckdb_engine import DuckDBEngine, process_id
from analytics.expressions import distribution, groups
from analytics.expressions.columns import column_of
from analytics.expressions.filters import UnsupportedQueryError, filtered
from analytics.manifest import Manifest, TableCopy, load
from analytics.options import options
from analytics.storage import storage
from datasets.records.columns import ListedColumn
from datasets.records.grouping import Grouping, Measure
from datasets.sql.query_timeout import outside_database
from datasets.versions import versions_behind

logger = logging.getLogger(__name__)
RELOAD = 1  # seconds between two looks for a newer copy
PAUSE = 60  # seconds in which an engine that cannot be reached is not asked again
Row = tuple[Any, ...]
Build = Callable[[ir.Table], ir.Table]


class CopyExecutor:
    """See datasets.records.analytical_copy.Executor."""

    def __init__(self) -> None:
        self._manifests: dict[tuple[str, str], tuple[Manifest | None, float]] = {}  # with the time of the look
        self._rests_until = 0.0
        self._lock = Lock()

    def groups(
        self,
        records: models.QuerySet[Any],
        by: Sequence[Grouping],
        measured: Sequence[Measure],
        ordering: Sequence[str],
        limit: int | None,
    ) -> list[Row] | None:
        rows = self._rows(records, lambda table: groups.groups(table, records.model, by, measured, ordering, limit))
        return None if rows is None else [*map(groups.reader(by), rows)]

    def distribution(self, records: models.QuerySet[Any], column: ListedColumn, *, ordered: bool) -> Row | None:
        return self._row(
            records,
            lambda table: distribution.distribution(table, column_of(table, records.model, column), ordered=ordered),
        )

    def extent(self, records: models.QuerySet[Any], column: ListedColumn) -> Row | None:
        return self._row(records, lambda table: distribution.extent(table, column_of(table, records.model, column)))

    def counts_between(
        self, records: models.QuerySet[Any], column: ListedColumn, ends: Sequence[tuple[Any, Any]]
    ) -> list[int] | None:
        row = self._row(
            records, lambda table: distribution.counts_between(table, column_of(table, records.model, column), ends)
        )
        return None if row is None else list(row)

    def counts_of(self, records: models.QuerySet[Any], path: str) -> Counter[Any] | None:
        model: type[models.Model] = records.model
        name = names_by_path(model).get(path, "")

        def build(table: ir.Table) -> ir.Table:
            if name not in table.columns:
                raise UnsupportedQueryError(f"{path} is not in the copy")
            return distribution.counts_of(table, table[name])

        rows = self._rows(records, build)
        return None if rows is None else Counter(dict(rows))

    def count(self, records: models.QuerySet[Any]) -> int | None:
        row = self._row(records, lambda table: table.aggregate(n=table.count()))
        return None if row is None else int(row[0])

    def _row(self, records: models.QuerySet[Any], build: Build) -> Row | None:
        rows = self._rows(records, build)
        return None if rows is None else rows[0]

    def _rows(self, records: models.QuerySet[Any], build: Build) -> list[Row] | None:
        """Return the rows of the expression that *build* makes of the filtered table, or None."""
        model = records.model
        if monotonic() < self._rests_until or (copy := self._current(model)) is None:
            return None
        name = f"{model._meta.db_table}@{copy.digest}"
        usable = set(TYPES.values())
        schema = {column: kind for column, kind in copy.columns.items() if kind in usable}
        try:
            expression = build(filtered(ibis.table(schema, name=name), records))
        except (UnsupportedQueryError, EmptyResultSet):
            return None
        except (IbisError, ValidationError) as error:
            logger.warning("The database answers, because the analytical copy has no expression: %s", error)
            return None
        try:
            with outside_database() as seconds:
                urls = [storage().url(part.path) for part in copy.parts]
                return engine().rows(expression, name, urls, seconds)
        except EngineError as error:
            if isinstance(error, EngineUnavailableError):
                self._rests_until = monotonic() + PAUSE
            logger.warning("The database answers instead of the analytical copy: %s", error)
            return None

    def _current(self, model: type[models.Model]) -> TableCopy | None:
        """Return the copy of *model*'s table if it has the current version."""
        dataset, version = model._meta.app_label, versions_behind(model)
        place = options().copy, dataset
        with self._lock:
            manifest, looked_at = self._manifests.get(place, (None, float("-inf")))
            if (manifest is None or str(manifest.version) != version) and monotonic() - looked_at > RELOAD:
                manifest = _load(dataset)
                self._manifests[place] = manifest, monotonic()
        if manifest is None or str(manifest.version) != version:
            return None
        copy = manifest.tables.get(model._meta.db_table)
        return copy if copy and copy.parts else None


def _load(dataset: str) -> Manifest | None:
    try:
        return load(storage(), dataset)
    except OSError as error:
        logger.warning("The analytical copy of %s cannot be read: %s", dataset, error)
        return None


def engine() -> Engine:
    """Return the engine of this process. Raises EngineUnavailableError."""
    return _engine(options(), process_id())


@cache
def _engine(analytics: Any, process: int) -> Engine:
    if analytics.engine == "duckdb":
        return DuckDBEngine(storage(), analytics.threads, analytics.memory)
    try:
        from analytics.engines.spark_engine import SparkEngine  # noqa: PLC0415 - pyspark is installed by operators
    except ImportError as error:
        raise EngineUnavailableError(f"{error}. Type: pip install -r requirements-cluster.txt") from error
    return SparkEngine(analytics.engine)


executor = CopyExecutor()
