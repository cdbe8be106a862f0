"""Migration operations that alter each table of an app on PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState


class AlterTables(Operation):
    """Alter each table of the app by :meth:`alter`, on PostgreSQL only. The reverse operation does nothing."""

    category = OperationCategory.ALTERATION
    reversible = True

    def alter(self, schema_editor: Editor, model: type[models.Model]) -> None:
        """Alter the table of *model*."""
        raise NotImplementedError

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for model in to_state.apps.get_app_config(app_label).get_models(include_auto_created=True):
                if model._meta.managed and not model._meta.proxy:
                    self.alter(schema_editor, model)

    def database_backwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        pass  # neither the data nor the state depends on it
