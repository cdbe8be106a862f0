"""Names and SQL for the staged rows of one source (alias s) and its stored records (alias r)."""

from django.db.backends.utils import CursorWrapper

from datasets.models import ContentRecord
from datasets.sql.dialect import column_name, pk_column, quoted
from imports.engine.source_load import SourceLoad
from imports.sources import Column, Many, Reference


class StagedRows:
    """The tables and columns of a load's staged rows and of the stored records."""

    def __init__(self, load: SourceLoad):
        self.source = source = load.source
        stage, present = load.stage, load.present
        self.table, self.staged = quoted(source.name), quoted(stage.table)
        self.pk = quoted(pk_column(source.model))
        self.by_content = issubclass(source.model, ContentRecord)
        stored = [c for c in stage.columns if not isinstance(c, Many) and c.name in present]
        self.stored = [c for c in stored if c.stored_as != "identity"]
        self.many = [c for c in source.columns_of(Many) if c.name in present]
        self.members = [quoted(stage.members(column)) for column in self.many]
        # The condition that a staged row and a stored record have the same key.
        keys = [column.stored_as for column in source.key_columns] or ["identity"]
        self.same = " AND ".join(f"r.{quoted(stored)} = s.{quoted(stored)}" for stored in keys)

    def resolved(self) -> str:
        """Return a subquery of the staged rows with database column names and resolved references."""
        columns, joins = ["s.source_file", "s.source_line"], []
        if self.by_content:
            columns.append("s.identity")
        for index, column in enumerate(self.stored):
            value = f"s.{quoted(column.name)}"
            if isinstance(column, Reference) and column.by_field != column.field.target_field:
                parent, by = quoted(column.model._meta.db_table), quoted(column.by_column)
                joins.append(f"LEFT JOIN {parent} p{index} ON p{index}.{by} = {value}")
                value = f"p{index}.{quoted(column_name(column.field.target_field))}"
            columns.append(f"{value} AS {quoted(column.stored_as)}")
        return f"(SELECT {', '.join(columns)} FROM {self.staged} s {' '.join(joins)})"

    def records(self) -> str:
        """Return a query of the primary keys of the records that the staged rows have, or will have."""
        keys = self.source.key_columns
        if [quoted(key.stored_as) for key in keys if type(key) is Column] == [self.pk]:
            return f"SELECT {quoted(keys[0].name)} FROM {self.staged}"
        return f"SELECT r.{self.pk} FROM {self.resolved()} s JOIN {self.table} r ON {self.same}"

    def take_out(self, cursor: CursorWrapper, rows: str) -> None:
        """Delete the rows in the query *rows*, which lists them by file and line, from the stage."""
        for table in (self.staged, *self.members):
            cursor.execute(f"DELETE FROM {table} WHERE (source_file, source_line) IN ({rows})")
