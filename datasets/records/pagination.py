"""Pages of a list in the admin, without counting all of a big table for each."""

import json
from functools import cached_property

from django.core.paginator import Paginator
from django.db import connections, models

COUNTED = 10_000
FEW = 2_000  # keys that are asked for one by one rather than by searching the table once more


class BoundedPaginator(Paginator):
    """Counts no further than COUNTED records; of a whole table beyond it, PostgreSQL's own estimate is taken, and
    SQLite counts it all, which takes it 5 ms for a million.

    Any other list has pages for its first COUNTED records: to see the rest, narrow it.
    """

    @cached_property
    def exact(self) -> bool:
        """Whether there are no more than are counted of any list."""
        return self._counted <= COUNTED

    @cached_property
    def complete(self) -> bool:
        """Whether all records were counted."""
        return self.exact or self._is_small_effort

    @cached_property
    def whole(self) -> bool:
        """Whether the list is a whole table."""
        return not (self.object_list.query.where or self.object_list.query.is_empty())

    @cached_property
    def count(self) -> int:
        return self._counted if self.exact else max(COUNTED, self._bounded_and_estimate[1])

    @property
    def told(self) -> str:
        """The count as readers are told it: ``12``, ``about 1,000,000``, ``more than 10,000``."""
        if self.complete:
            return f"{self.count:,}"
        return f"about {self.count:,}" if self.count > COUNTED else f"more than {COUNTED:,}"

    @cached_property
    def keys(self) -> list | None:
        """The keys of a list that was narrowed to few records, for whoever would search for them again."""
        return self._found if self._found is not None and len(self._found) <= FEW else None

    @cached_property
    def _found(self) -> list | None:
        """The keys of the first records of a narrowed list, which take no longer to find than to count."""
        if self.whole or self.object_list.query.distinct:
            return None
        return list(self.object_list.order_by().values_list("pk", flat=True)[: COUNTED + 1])

    @property
    def _is_small_effort(self) -> bool:
        """Whether it is a whole table of SQLite, which counts the pages of an index; a view is computed."""
        is_table = self.whole and self.object_list.model._meta.managed
        return is_table and connections[self.object_list.db].vendor == "sqlite"

    @property
    def _counted(self) -> int:
        return self._bounded_and_estimate[0]

    @cached_property
    def _bounded_and_estimate(self) -> tuple[int, int]:
        """The count, no further than COUNTED + 1, and the estimate of a whole table: with one query."""
        if self._found is not None:
            return len(self._found), 0
        connection = connections[self.object_list.db]
        if self._is_small_effort:
            count = self.object_list.order_by().count()
            return min(count, COUNTED + 1), count
        if connection.vendor != "postgresql" or not self.whole:
            return self.object_list.order_by()[: COUNTED + 1].count(), 0
        table = connection.ops.quote_name(self.object_list.model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {COUNTED + 1}) few), reltuples::bigint"
                " FROM pg_class WHERE oid = %s::regclass",
                [table],
            )
            return cursor.fetchone()


def records_told(model: type[models.Model]) -> str:
    """Return how many records *model* has, as readers are told it."""
    return BoundedPaginator(model._default_manager.order_by("pk"), 1).told


def estimated_count(records: models.QuerySet) -> int | None:
    """Return how many records PostgreSQL's planner expects; None on SQLite, which has no such estimate."""
    connection = connections[records.db]
    if connection.vendor != "postgresql" or records.query.is_empty():
        return None
    told = records.order_by().values("pk").explain(format="json")
    if not told:  # Django knows that no record can match, and has not asked
        return 0
    [plan] = json.loads(told)
    return int(plan["Plan"]["Plan Rows"])
