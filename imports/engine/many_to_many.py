"""SQL that represents a many-to-many relation as a string of the sorted primary keys of a record's members."""

from django.db import connection

from datasets.sql.dialect import pk_column, quoted
from imports.engine.source_load import SourceLoad
from imports.sources import Many


def staged_members(load: SourceLoad, column: Many) -> str:
    """Return a subquery with the source_file, source_line and members of the staged rows."""
    names = (column.model._meta.db_table, column.by_column, pk_column(column.model))
    parent, by, pk = (quoted(name) for name in names)
    rows = (
        f"SELECT m.source_file, m.source_line, p.{pk} AS member FROM {quoted(load.stage.members(column))} m"
        f" JOIN {parent} p ON p.{by} = m.member"
    )
    return _collected(rows, ["source_file", "source_line"])


def stored_members(column: Many, records: str) -> str:
    """Return a subquery with the owner and members of the stored records whose keys the query *records* returns."""
    owner, member, through = (
        quoted(n) for n in (column.owner_column, column.member_column, column.through._meta.db_table)
    )
    rows = f"SELECT {owner} AS owner, {member} AS member FROM {through} WHERE {owner} IN ({records})"
    return _collected(rows, ["owner"])


def as_list(members: str) -> str:
    """Return the SQL expression for *members* as a JSON list."""
    if connection.vendor == "postgresql":
        return f"coalesce(to_jsonb(CAST(string_to_array({members}, ';') AS bigint[])), '[]')"
    return f"json('[' || replace(coalesce({members}, ''), ';', ',') || ']')"


def of_list(document: str, name: str) -> str:
    """Return the SQL expression for the members in the list *name* of the JSON *document*, as one string."""
    if connection.vendor == "postgresql":
        listed = f"jsonb_array_elements_text({document}->'{name}') m"
        return f"(SELECT string_agg(m, ';' ORDER BY CAST(m AS bigint)) FROM {listed})"
    return (
        f"(SELECT group_concat(value, ';') FROM (SELECT value FROM json_each({document}, '$.{name}') ORDER BY value))"
    )


def _collected(rows: str, by: list[str]) -> str:
    names = ", ".join(by)
    if connection.vendor == "postgresql":
        members = "string_agg(CAST(member AS text), ';' ORDER BY member)"
    else:
        members, rows = "group_concat(member, ';')", f"{rows} ORDER BY {names}, member"
    return f"(SELECT {names}, {members} AS members FROM ({rows}) x GROUP BY {names})"
