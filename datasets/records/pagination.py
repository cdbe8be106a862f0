"""Pagination of the admin's lists, with a bounded count for large tables."""

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import connections, models

from datasets.records.analytical_copy import copy_executor
from datasets.records.ordering import LARGE

COUNTED = 10_000  # records that a page counts exactly
EXACT = 100_000  # records that are counted exactly on request
FEW = 2_000  # maximum number of keys to pass to a query instead of filtering the table again


class BoundedPaginator(Paginator[Any]):
    """Counts at most COUNTED records.

    For a larger table without filters, it uses PostgreSQL's estimate. SQLite counts all records, which takes 5 ms for a
    million. A filtered list has pages only for its first COUNTED records. To see the others, add more filters.
    """

    object_list: models.QuerySet[Any]

    @cached_property
    def is_exact(self) -> bool:
        """Whether the list has at most COUNTED records."""
        return self._counted <= COUNTED

    @cached_property
    def is_counted(self) -> bool:
        """Whether all records were counted."""
        return self.is_exact or self._is_small_effort

    @cached_property
    def is_large(self) -> bool:
        """Whether the list is slow to sort by a column without an index. A long filtered list counts as its table."""
        if self.is_exact or self.is_unfiltered:
            return self.count > LARGE
        return BoundedPaginator(self.object_list.model._default_manager.order_by("pk"), 1).count > LARGE

    @cached_property
    def is_unfiltered(self) -> bool:
        """Whether the list has no filters."""
        return not (self.object_list.query.where or self.object_list.query.is_empty())

    @cached_property
    def count(self) -> int:
        return self._counted if self.is_exact else max(COUNTED, self._bounded_and_estimate[1])

    @property
    def display_count(self) -> str:
        """The count for display: ``12``, ``about 1,000,000`` or ``more than 10,000``."""
        if self.is_counted:
            return f"{self.count:,}"
        return f"about {self.count:,}" if self.count > COUNTED else f"more than {COUNTED:,}"

    @cached_property
    def exact_count(self) -> int | None:
        """The number of records if there are at most EXACT or an analytical copy, or None. A page should not wait."""
        if self.is_counted:
            return self.count
        copy = copy_executor()
        if copy and (count := copy.count(self.object_list)) is not None:
            return count
        counted: int = self.object_list.order_by()[: EXACT + 1].count()
        return counted if counted <= EXACT else None

    @property
    def exact_display_count(self) -> str:
        """The exact count for display if there is one, or ``about 1,000,000`` or ``more than 100,000``."""
        if self.exact_count is not None:
            return f"{self.exact_count:,}"
        return f"about {self.count:,}" if self.count > EXACT else f"more than {EXACT:,}"

    @cached_property
    def matched_ids(self) -> list[Any] | None:
        """The primary keys of a filtered list with few records, so the caller does not have to filter again."""
        ids = self._first_ids
        return ids if ids is not None and len(ids) <= min(FEW, COUNTED) else None

    @cached_property
    def _first_ids(self) -> list[Any] | None:
        """The primary keys of a filtered list's first records. Reading them takes no longer than counting them."""
        if self.is_unfiltered or self.object_list.query.distinct:
            return None
        return list(self.object_list.order_by().values_list("pk", flat=True)[: COUNTED + 1])

    @property
    def _is_small_effort(self) -> bool:
        """Whether the list is an unfiltered table on SQLite, which counts it quickly with an index."""
        return self.is_unfiltered and connections[self.object_list.db].vendor == "sqlite"

    @property
    def _counted(self) -> int:
        return self._bounded_and_estimate[0]

    @cached_property
    def _bounded_and_estimate(self) -> tuple[int, int]:
        """The count, at most COUNTED + 1, and the estimate for an unfiltered table, with one query."""
        if self._first_ids is not None:
            return len(self._first_ids), 0
        connection = connections[self.object_list.db]
        if self._is_small_effort:
            count = self.object_list.order_by().count()
            return min(count, COUNTED + 1), count
        if connection.vendor != "postgresql" or not self.is_unfiltered:
            return self.object_list.order_by()[: COUNTED + 1].count(), 0
        table = connection.ops.quote_name(self.object_list.model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {COUNTED + 1}) few), reltuples::bigint"
                " FROM pg_class WHERE oid = %s::regclass",
                [table],
            )
            count, estimate = cursor.fetchone()
        return count, estimate


def displayed_count(model: type[models.Model]) -> str:
    """Return the number of *model*'s records for display."""
    return BoundedPaginator(model._default_manager.order_by("pk"), 1).display_count


def estimated_count(records: models.QuerySet[Any]) -> int | None:
    """Return the estimate of PostgreSQL's planner, or None on SQLite, which has no estimate."""
    connection = connections[records.db]
    if connection.vendor != "postgresql" or records.query.is_empty():
        return None
    plans = records.order_by().values("pk").explain(format="json")
    if not plans:  # Django does not run a query if no record can match
        return 0
    [plan] = json.loads(plans)
    return int(plan["Plan"]["Plan Rows"])
