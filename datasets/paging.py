"""Pages of a list in the admin, without counting all of a big table for each."""

from functools import cached_property

from django.core.paginator import Paginator
from django.db import connections

COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts no further than COUNTED records; of a whole table beyond it, PostgreSQL's own estimate is taken.

    Any other list has pages for its first COUNTED records: to see the rest, narrow it.
    """

    @cached_property
    def exact(self) -> bool:
        """Whether count is exact."""
        return self._counted <= COUNTED

    @cached_property
    def count(self) -> int:
        return self._counted if self.exact else max(COUNTED, self._estimate())

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by()[: COUNTED + 1].count()

    def _estimate(self) -> int:
        connection = connections[self.object_list.db]
        if connection.vendor != "postgresql" or self.object_list.query.where:
            return 0
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(self.object_list.model._meta.db_table)
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
            return cursor.fetchone()[0]
