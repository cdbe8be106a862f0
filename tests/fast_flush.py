"""Flush the database after a test that commits, deleting only the rows of that test.

Django truncates every table and creates the permissions again, which takes longer than most tests. This module skips
empty tables, and tables with rows from migrations unless the test has changed them. It empties summary tables with
rows, so that the next test does not see these rows.
"""

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

from datasets import matviews

BY_MIGRATIONS = (ContentType, Permission, Group, Group.permissions.through)  # referenced tables come first


def empty_quickly() -> None:
    """Replace the flush of TransactionTestCase. Call this while the database has only the rows from migrations."""
    if connection.vendor == "postgresql" and not _by_superuser():
        return  # without superuser rights, foreign keys cannot be disabled
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    names = {table: connection.ops.quote_name(table) for table in tables}
    look = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {name})" for table, name in names.items())
    views = _summary_tables()
    kept = {names[model._meta.db_table]: model for model in BY_MIGRATIONS}
    with connection.cursor() as cursor:
        made = _rows(cursor, kept)
    records = [list(model.objects.all()) for model in BY_MIGRATIONS]

    def empty(case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute(look)
            full = {names[table] for (table,) in cursor.fetchall()}
            changed = _rows(cursor, kept) != made
            if full := sorted(full | set(kept) if changed else full - set(kept)):
                with transaction.atomic():
                    if connection.vendor == "postgresql":  # all references are deleted, too
                        cursor.execute("SET LOCAL session_replication_role = replica")
                    for name in full:
                        cursor.execute(f"DELETE FROM {name}")
                if connection.vendor == "postgresql":
                    _as_new(cursor, full)
            _empty_views(cursor, views)
        if changed:
            for some in records:
                type(some[0]).objects.bulk_create(some)

    pytest.MonkeyPatch().setattr(TransactionTestCase, "_fixture_teardown", empty)


class _Flush(TransactionTestCase):
    def run_now(self) -> None:
        self._fixture_teardown()


def empty_now() -> None:
    """Delete the records that the tests of a module share."""
    _Flush().run_now()


def _rows(cursor, names) -> list[list[tuple]]:
    """Return every row of the given tables."""
    tables = []
    for name in names:
        cursor.execute(f"SELECT * FROM {name} ORDER BY id")
        tables.append(cursor.fetchall())
    return tables


def _summary_tables() -> list[str]:
    """Return the quoted names of the summary tables."""
    views = [view for dataset in matviews.datasets_with_views() for view in matviews.views_of(dataset)]
    return [connection.ops.quote_name(view._meta.db_table) for view in views]


def _empty_views(cursor, views: list[str]) -> None:
    """Empty the summary tables that have rows. The tables from which PostgreSQL computes them are empty."""
    empty = "REFRESH MATERIALIZED VIEW" if connection.vendor == "postgresql" else "DELETE FROM"
    for view in views:
        cursor.execute(f"SELECT 1 FROM {view} LIMIT 1")
        if cursor.fetchone():
            cursor.execute(f"{empty} {view}")


def _by_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return cursor.fetchone()[0]


def _as_new(cursor, names: list[str]) -> None:
    """Vacuum PostgreSQL's tables, which then have no pages and statistics, as after TRUNCATE."""
    cursor.execute(f"VACUUM (INDEX_CLEANUP ON) {', '.join(names)}")
    cursor.execute("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = ANY(%s::regclass[])", [names])
