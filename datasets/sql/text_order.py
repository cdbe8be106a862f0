"""One order of texts on both engines: by Unicode code point, whatever the language of the database server.

SQLite compares texts by their bytes, which is the order of their code points. PostgreSQL compares them by the
collation of the column, which is the server's own language unless the column names another one.
"""

from collections.abc import Iterator

from django.db import models
from django.db.migrations.operations.base import Operation, OperationCategory

CODE_POINT = "C"  # PostgreSQL's collation that compares bytes
TEXTS = (models.CharField, models.TextField)


class OrderTextsByCodePoint(Operation):
    """Give each text column of the app's tables PostgreSQL's collation ``C``; do nothing on SQLite.

    Put it behind the operations that create tables or add text columns, and before those that create views.
    Columns that have the collation already are left alone. Indexes on the columns follow.
    """

    category = OperationCategory.ALTERATION
    reversible = True

    def deconstruct(self):
        return self.__class__.__qualname__, [], {}

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            self._collate(schema_editor, to_state.apps.get_app_config(app_label))

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        pass  # the order of the texts is no part of what the tables hold

    def describe(self):
        return "Order texts by code point"

    @property
    def migration_name_fragment(self):
        return "text_order"

    def _collate(self, schema_editor, app) -> None:
        quote = schema_editor.quote_name
        # The statements wait for none of the checks that earlier operations have deferred.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in app.get_models(include_auto_created=True):
            if not model._meta.managed or model._meta.proxy:
                continue
            done = _columns_by_code_point(schema_editor.connection, model._meta.db_table)
            changes = [
                f"ALTER COLUMN {quote(column)} TYPE {kind} COLLATE {quote(CODE_POINT)}"
                for column, kind in _texts(model, schema_editor.connection)
                if column not in done
            ]
            if changes:
                schema_editor.execute(f"ALTER TABLE {quote(model._meta.db_table)} {', '.join(changes)}")


def _texts(model: type[models.Model], connection) -> Iterator[tuple[str, str]]:
    """Yield the name and the type of each column of *model* that holds texts, references by a text among them."""
    for field in model._meta.local_concrete_fields:
        kind = field
        while kind.is_relation:
            kind = kind.target_field
        if isinstance(kind, TEXTS):
            yield field.column, field.db_type(connection)


def _columns_by_code_point(connection, table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.attname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation"
            " WHERE a.attrelid = %s::regclass AND c.collname = %s",
            [connection.ops.quote_name(table), CODE_POINT],
        )
        return {name for (name,) in cursor.fetchall()}
