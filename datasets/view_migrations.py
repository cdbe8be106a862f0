"""Migration operations that create and drop summary tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import migrations, models, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from datasets.models import live_view
from datasets.sql.dialect import column_name


class CreateView(migrations.RunSQL):
    """Create the summary table *name* from a file beside the migration: ``<sql>.<postgresql|sqlite>.sql``.

    On PostgreSQL, the file creates a materialized view. On SQLite, it creates the view ``<name>_live``, and this
    operation adds the table *name*, which stores the rows of that view.

    *sql* is the name of the migration after which the files are named. A later migration that alters a table of the
    view must drop the view first, and then create it again from the same files::

        DropView("births_by_country", sql="0002_births_by_country"),
        migrations.AlterField(...),
        CreateView("births_by_country", sql="0002_births_by_country"),
    """

    category = OperationCategory.SQL

    def __init__(self, name: str, sql: str, state_operations: Sequence[Operation] = ()):
        super().__init__(sql=sql, reverse_sql=sql, state_operations=state_operations)
        self.name = name

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        kwargs: dict[str, Any] = {"name": self.name, "sql": self.sql}
        if self.state_operations:
            kwargs["state_operations"] = self.state_operations
        return self.__class__.__qualname__, [], kwargs

    def database_forwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            self._create(app_label, schema_editor, states[-1])

    def database_backwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            self._drop(schema_editor)

    def describe(self) -> str:
        return f"Create view {self.name}"

    @property
    def migration_name_fragment(self) -> str:
        return self.name

    def _create(self, app_label: str, schema_editor: Editor, state: ProjectState) -> None:
        vendor, quote = schema_editor.connection.vendor, schema_editor.quote_name
        script = Path(apps.get_app_config(app_label).path) / "migrations" / f"{self.sql}.{vendor}.sql"
        for statement in schema_editor.connection.ops.prepare_sql_script(script.read_text(encoding="utf-8")):
            schema_editor.execute(statement, params=None)
        if vendor == "sqlite":
            model = self._model(app_label, state)
            schema_editor.create_model(model)
            columns = ", ".join(column_name(field) for field in model._meta.concrete_fields)
            live = quote(live_view(self.name))
            schema_editor.execute(f"INSERT INTO {quote(self.name)} ({columns}) SELECT {columns} FROM {live}")

    def _model(self, app_label: str, state: ProjectState) -> type[models.Model]:
        return next(
            model for model in state.apps.get_app_config(app_label).get_models() if model._meta.db_table == self.name
        )

    def _drop(self, schema_editor: Editor) -> None:
        quote = schema_editor.quote_name
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP MATERIALIZED VIEW {quote(self.name)}")
        else:
            schema_editor.execute(f"DROP TABLE {quote(self.name)}")
            schema_editor.execute(f"DROP VIEW {quote(live_view(self.name))}")


class DropView(CreateView):
    """Drop the summary table *name*. The reverse operation creates it again from the SQL of CreateView."""

    def database_forwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        super().database_backwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        super().database_forwards(app_label, schema_editor, *states)

    def describe(self) -> str:
        return f"Drop view {self.name}"
