"""SQL expressions that convert a stored row to JSON and back, in the database, for any number of rows.

The JSON contains the columns by name, many-to-many fields as lists of keys, and bytes as hexadecimal strings. The
conversion is exact. SQLite's own functions write floats with 15 digits, and JSON documents without whitespace. Custom
functions therefore write floats and read documents. If imports would write a document differently, it is also stored as
text.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection, models

from datasets.fields import related_model
from datasets.sql.dialect import column_name, column_type, is_distinct, pk_column, quoted

Model = type[models.Model]
Field = models.Field[Any, Any]
ManyToMany = models.ManyToManyField[Any, Any]

PAIRS = 49  # names and values in one call of a JSON function of SQLite
AS_STORED = "{} as stored"  # the key of the original text of a JSON column, on SQLite
CORRECTIONS = "corrections"  # a JSON column that is written only by SQL; on SQLite always without spaces


def as_json(model: Model, alias: str) -> str:
    """Return the SQL expression for a row of *model* as JSON. *alias* is the table's alias in the query."""
    many = {field.name: stored_members(field, alias) for field in model._meta.many_to_many}
    fields = _columns(model)
    columns = {name: f"{alias}.{quoted(name)}" for name in fields}
    if connection.vendor == "postgresql":
        # A single to_jsonb() call takes two thirds of the time of to_jsonb(alias) with additions.
        row = {name: _plain(fields[name], column) for name, column in columns.items()} | many
        selected = ", ".join(f"{value} AS {quoted(name)}" for name, value in row.items())
        return f"(SELECT to_jsonb(x) FROM (SELECT {selected}) x)"
    row = {name: json_value(fields[name], column) for name, column in columns.items()} | many
    not_needed = []
    for name, text in columns.items():
        if isinstance(fields[name], models.JSONField) and name != CORRECTIONS:
            original = AS_STORED.format(name)
            row[original] = text
            not_needed.append(f"CASE WHEN json_as_imported({text}) IS {text} THEN '$.\"{original}\"' ELSE '$._' END")
    return f"json_remove({_object(row)}, {', '.join(not_needed)})" if not_needed else _object(row)


def _object(row: dict[str, str]) -> str:
    """Return SQLite's expression for a JSON object of SQL expressions by name. A function has at most 100 arguments."""
    names = list(row)
    pairs = ", ".join(f"'{name}', {row[name]}" for name in names[:PAIRS])
    text = f"json_object({pairs})"
    for start in range(PAIRS, len(names), PAIRS):
        more = ", ".join(f"'$.\"{name}\"', {row[name]}" for name in names[start : start + PAIRS])
        text = f"json_insert({text}, {more})"
    return text


def values(model: Model, document: str) -> dict[str, str]:
    """Return the SQL expressions for the values in the JSON expression *document*, by column."""
    return {name: value_of(field, document) for name, field in _columns(model).items()}


def members(field: ManyToMany, rows: str, document: str) -> str:
    """Return a query for the owner and member keys in the JSON *document* of *rows*, a FROM and WHERE clause."""
    source, _, condition = rows.partition(" WHERE ")
    owner = value_of(field.model._meta.pk, document)
    if connection.vendor == "postgresql":
        kind = column_type(related_model(field)._meta.pk)
        member, listed = f"CAST(m AS {kind})", f"jsonb_array_elements_text({document}->'{field.name}') m"
    else:
        member, listed = "m.value", f"json_each({document}, '$.{field.name}') m"
    return f"SELECT {owner}, {member} FROM {source}, {listed} WHERE {condition}"


def _columns(model: Model) -> dict[str, Field]:
    return {column_name(field): field for field in model._meta.concrete_fields}


def _plain(field: Field, value: str) -> str:
    """Return the SQL expression that converts *value* for PostgreSQL's JSON."""
    return f"encode({value}, 'hex')" if isinstance(field, models.BinaryField) else value


def stored_members(field: ManyToMany, alias: str) -> str:
    """Return the SQL expression for the sorted JSON list of *field*'s keys in the row *alias*."""
    through, owner, member = (
        quoted(name) for name in (field.m2m_db_table(), field.m2m_column_name(), field.m2m_reverse_name())
    )
    links = f"FROM {through} WHERE {owner} = {alias}.{quoted(pk_column(field.model))}"
    if connection.vendor == "postgresql":
        return f"(SELECT coalesce(jsonb_agg({member} ORDER BY {member}), '[]') {links})"
    return f"(SELECT json_group_array({member}) FROM (SELECT {member} {links} ORDER BY {member}))"


def json_value(field: Field | ManyToMany, value: str) -> str:
    """Return the SQL expression that converts a value of *field* for SQLite's JSON."""
    match field:
        case models.BooleanField():
            return f"CASE {value} WHEN 1 THEN json('true') WHEN 0 THEN json('false') END"
        case models.JSONField() | models.ManyToManyField():
            return f"json({value})"
        case models.BinaryField():
            return f"CASE WHEN {value} IS NOT NULL THEN lower(hex({value})) END"
        case models.FloatField() | models.DecimalField():
            return f"json(number_text({value}))"
    return value


def value_of(field: Field, document: str) -> str:
    """Return the SQL expression for the value of *field* in the JSON expression *document*."""
    name = column_name(field)
    if connection.vendor == "postgresql":
        if isinstance(field, models.JSONField):
            return f"nullif({document}->'{name}', 'null')"
        if isinstance(field, models.BinaryField):
            return f"decode({document}->>'{name}', 'hex')"
        return f"CAST({document}->>'{name}' AS {field.rel_db_type(connection)})"
    # With two paths, SQLite returns a list, in which the text of values is unchanged.
    spelled = f"json_extract({document}, '$.{name}', '$.{name}')"
    match field:
        case models.BinaryField():
            return f"unhex_text(json_extract({document}, '$.{name}'))"
        case models.FloatField() | models.DecimalField():
            return f"spelled_number({spelled})"
        case models.JSONField() if name == CORRECTIONS:
            return f"spelled_json({spelled})"
        case models.JSONField():
            as_stored = f"json_extract({document}, '$.\"{AS_STORED.format(name)}\"')"
            return f"coalesce({as_stored}, json_as_imported(spelled_json({spelled})))"
    return f"json_extract({document}, '$.{name}')"


def differs(field: Field, left: str, right: str) -> str:
    """Return the condition that two SQL expressions are different values of *field*, including NULL.

    JSON documents are compared by content. PostgreSQL does this itself, and on SQLite a custom function does it.
    """
    if isinstance(field, models.JSONField) and connection.vendor == "sqlite":
        # Most documents have equal text, so they do not have to be parsed.
        return f"({left} IS NOT {right} AND comparable_json({left}) IS NOT comparable_json({right}))"
    return f"({left} {is_distinct()} {right})"


def equal_but_for(left: str, right: str, names: Iterable[str]) -> str:
    """Return the condition that two JSON expressions for rows are equal in all columns except *names*."""
    if connection.vendor == "postgresql":
        without = "ARRAY[" + ", ".join(f"'{name}'" for name in names) + "]"
        return f"(({left} - {without}) = ({right} - {without}))"
    without = ", ".join(f"'$.{name}'" for name in names)
    return f"(json_remove({left}, {without}) = json_remove({right}, {without}))"


def is_corrected(corrections: str, name: str) -> str:
    """Return the condition that the JSON expression *corrections* contains the column *name*."""
    if connection.vendor == "postgresql":
        return f"coalesce({corrections} ? '{name}', false)"
    return f"(json_type({corrections}, '$.{name}') IS NOT NULL)"
