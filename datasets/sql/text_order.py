"""Sort text by Unicode code point on both engines, independently of the database server's locale.

SQLite compares the bytes of text, which gives the order of code points. PostgreSQL uses the column's collation, which
by default is that of the database.
"""

from collections.abc import Iterator

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from datasets.sql.dialect import column_name
from datasets.sql.table_operations import AlterTables

CODE_POINT = "C"  # PostgreSQL's bytewise collation
TEXTS = (models.CharField, models.TextField)


class OrderTextsByCodePoint(AlterTables):
    """Set PostgreSQL's collation ``C`` on each text column of the app's tables. Do nothing on SQLite.

    Place this after operations that create tables or add text columns, and before operations that create views. Columns
    that already have the collation are skipped. PostgreSQL rebuilds the columns' indexes.
    """

    def alter(self, schema_editor: Editor, model: type[models.Model]) -> None:
        quote = schema_editor.quote_name
        # ALTER TABLE fails while deferred constraint checks are pending.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        done = _columns_by_code_point(schema_editor.connection, model._meta.db_table)
        changes = [
            f"ALTER COLUMN {quote(column)} TYPE {kind} COLLATE {quote(CODE_POINT)}"
            for column, kind in _texts(model, schema_editor.connection)
            if column not in done
        ]
        if changes:
            schema_editor.execute(f"ALTER TABLE {quote(model._meta.db_table)} {', '.join(changes)}")

    def describe(self) -> str:
        return "Order text by code point"

    @property
    def migration_name_fragment(self) -> str:
        return "text_order"


def _texts(model: type[models.Model], connection: BaseDatabaseWrapper) -> Iterator[tuple[str, str]]:
    """Yield the name and type of each text column of *model*, including foreign keys to text keys."""
    for field in model._meta.local_concrete_fields:
        key = field
        while isinstance(key, models.ForeignKey):
            key = key.target_field
        if isinstance(key, TEXTS) and (kind := field.db_type(connection)):
            yield column_name(field), kind


def _columns_by_code_point(connection: BaseDatabaseWrapper, table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.attname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation"
            " WHERE a.attrelid = %s::regclass AND c.collname = %s",
            [connection.ops.quote_name(table), CODE_POINT],
        )
        return {name for (name,) in cursor.fetchall()}
