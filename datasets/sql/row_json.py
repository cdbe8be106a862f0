"""A stored row as JSON, and back: written by the database itself, a million at a time if need be.

The JSON has the row's columns by their names, a many-to-many as the list of its keys, and bytes as hexadecimal digits.
Each value comes back exactly. SQLite writes a float with 15 digits and a JSON document without its spaces. So our own
functions write floats and read documents. A document that is not spelled as imports spell it has its text beside it.
"""

from collections.abc import Iterable

from django.db import connection, models

from datasets.sql.dialect import is_distinct, quoted

Model = type[models.Model]

AS_STORED = "{} as stored"  # the key of a JSON column's own text, on SQLite
CORRECTIONS = "corrections"  # a JSON column that only our SQL writes, on SQLite always without spaces


def as_json(model: Model, alias: str) -> str:
    """Return the SQL expression for a row of *model*, known as *alias* in the query, as JSON."""
    many = {field.name: stored_members(field, alias) for field in model._meta.many_to_many}
    if connection.vendor == "postgresql":
        # As one row, in one go: two thirds of the time of to_jsonb(alias) with more added to it.
        row = {field.column: _plain(field, f"{alias}.{quoted(field.column)}") for field in _columns(model)} | many
        columns = ", ".join(f"{value} AS {quoted(name)}" for name, value in row.items())
        return f"(SELECT to_jsonb(x) FROM (SELECT {columns}) x)"
    pairs = {field.column: json_value(field, f"{alias}.{quoted(field.column)}") for field in _columns(model)} | many
    kept, not_needed = {}, []
    for field in _columns(model):
        if isinstance(field, models.JSONField) and field.column != CORRECTIONS:
            name, text = AS_STORED.format(field.column), f"{alias}.{quoted(field.column)}"
            kept[name] = text
            not_needed.append(f"CASE WHEN json_as_imported({text}) IS {text} THEN '$.\"{name}\"' ELSE '$._' END")
    row = ", ".join(f"'{name}', {value}" for name, value in (pairs | kept).items())
    return f"json_remove(json_object({row}), {', '.join(not_needed)})" if not_needed else f"json_object({row})"


def values(model: Model, document: str) -> dict[str, str]:
    """Return, by column, the SQL expression for its value out of the JSON expression *document*."""
    return {field.column: value_of(field, document) for field in _columns(model)}


def members(field: models.ManyToManyField, rows: str, document: str) -> str:
    """Return a query of the owners and members that the JSON *document* of *rows* lists; *rows* is a FROM and WHERE."""
    source, _, condition = rows.partition(" WHERE ")
    owner = value_of(field.model._meta.pk, document)
    if connection.vendor == "postgresql":
        kind = field.related_model._meta.pk.rel_db_type(connection)
        member, listed = f"CAST(m AS {kind})", f"jsonb_array_elements_text({document}->'{field.name}') m"
    else:
        member, listed = "m.value", f"json_each({document}, '$.{field.name}') m"
    return f"SELECT {owner}, {member} FROM {source}, {listed} WHERE {condition}"


def _columns(model: Model) -> list[models.Field]:
    return list(model._meta.concrete_fields)


def _plain(field: models.Field, value: str) -> str:
    """Return *value* as PostgreSQL is to put it into JSON."""
    return f"encode({value}, 'hex')" if isinstance(field, models.BinaryField) else value


def stored_members(field: models.ManyToManyField, alias: str) -> str:
    """Return the SQL expression for the JSON list of the keys that *field* has in the row *alias*, in order."""
    through, owner, member = (
        quoted(name) for name in (field.m2m_db_table(), field.m2m_column_name(), field.m2m_reverse_name())
    )
    mine = f"FROM {through} WHERE {owner} = {alias}.{quoted(field.model._meta.pk.column)}"
    if connection.vendor == "postgresql":
        return f"(SELECT coalesce(jsonb_agg({member} ORDER BY {member}), '[]') {mine})"
    return f"(SELECT json_group_array({member}) FROM (SELECT {member} {mine} ORDER BY {member}))"


def json_value(field: models.Field, value: str) -> str:
    """Return the value of *field* as SQLite is to put it into JSON."""
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


def value_of(field: models.Field, document: str) -> str:
    """Return the value of *field* that the JSON expression *document* has for its column."""
    name = field.column
    if connection.vendor == "postgresql":
        if isinstance(field, models.JSONField):
            return f"nullif({document}->'{name}', 'null')"
        if isinstance(field, models.BinaryField):
            return f"decode({document}->>'{name}', 'hex')"
        return f"CAST({document}->>'{name}' AS {field.rel_db_type(connection)})"
    # Of two paths SQLite makes a list, in which every value is spelled as it is in the document.
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


def differs(field: models.Field, one: str, other: str) -> str:
    """Return the condition that two SQL expressions are different values of *field*; NULL is a value.

    JSON documents are compared as what they say: PostgreSQL does so by itself, SQLite by a function of ours.
    """
    if isinstance(field, models.JSONField) and connection.vendor == "sqlite":
        # Most are equal texts, and are not read for that.
        return f"({one} IS NOT {other} AND comparable_json({one}) IS NOT comparable_json({other}))"
    return f"({one} {is_distinct()} {other})"


def equal_but_for(one: str, other: str, names: Iterable[str]) -> str:
    """Return the condition that two JSON expressions of a row are equal in all columns but those of *names*."""
    if connection.vendor == "postgresql":
        without = "ARRAY[" + ", ".join(f"'{name}'" for name in names) + "]"
        return f"(({one} - {without}) = ({other} - {without}))"
    without = ", ".join(f"'$.{name}'" for name in names)
    return f"(json_remove({one}, {without}) = json_remove({other}, {without}))"


def is_corrected(corrections: str, name: str) -> str:
    """Return the condition that the JSON expression *corrections* has the column *name*."""
    if connection.vendor == "postgresql":
        return f"coalesce({corrections} ? '{name}', false)"
    return f"(json_type({corrections}, '$.{name}') IS NOT NULL)"
