"""SQL for ``corrections``: the file values of the fields that a curator has corrected. Alias ``r`` is the record."""

import json
from typing import Any

from django.db import connection, models

from curation.history.editable_fields import remembers_its_file, stored_name
from datasets.fields import related_model
from datasets.sql.dialect import column_name, column_type, pk_column, quoted
from datasets.sql.row_json import differs, is_corrected, json_value, stored_members, value_of


def stored(field: models.Field, value: Any) -> Any:
    """Return *value* as the database parameter of *field*; for a many-to-many field, a sorted JSON list of keys."""
    if field.many_to_many:
        return json.dumps(sorted({getattr(member, "pk", member) for member in value}), separators=(",", ":"))
    return field.get_db_prep_save(getattr(value, "pk", value), connection)


def parameter(field: models.Field) -> str:
    """Return the placeholder for a ``stored()`` value of *field*."""
    if connection.vendor == "postgresql":
        # A cast to varchar(n) truncates a longer text silently.
        kind = "text" if isinstance(field, models.CharField) else field.rel_db_type(connection)
        return f"CAST(%s AS {'jsonb' if field.many_to_many else kind})"
    return "json(%s)" if isinstance(field, models.JSONField) else "%s"


def _own(field: models.Field) -> str:
    if isinstance(field, models.ManyToManyField):
        return stored_members(field, "r")
    return f"r.{quoted(column_name(field))}"


def of_file(field: models.Field) -> str:
    """Return the file value of a corrected field."""
    if not field.many_to_many:
        return value_of(field, "r.corrections")
    if connection.vendor == "postgresql":
        return f"(r.corrections->'{field.name}')"
    return f"json_extract(r.corrections, '$.{field.name}')"


def given(fields: list[models.Field]) -> str:
    """Return the subquery ``n`` with the new values of *fields* by name; it takes one parameter per field, in order."""
    return f"(SELECT {', '.join(f'{parameter(field)} AS {quoted(field.name)}' for field in fields)}) n"


def assigned(field: models.Field) -> str:
    """Return the new value of a column, from ``n``.

    A JSON document equal to the current value or to the file value keeps the spelling of that value.
    """
    own, new = _own(field), f"n.{quoted(field.name)}"
    if not isinstance(field, models.JSONField):
        return new
    cases = f"WHEN NOT {differs(field, own, new)} THEN {own}"
    if remembers_its_file(field.model):
        same = f"{is_corrected('r.corrections', stored_name(field))} AND NOT {differs(field, of_file(field), new)}"
        cases += f" WHEN {same} THEN {of_file(field)}"
    return f"CASE {cases} ELSE {new} END"


def remembering(fields: list[models.Field]) -> str:
    """Return the corrections after *fields* get their new values from ``n``.

    Stored file values keep their position, so corrections that do not change stay the same text.
    """
    base = "coalesce(r.corrections, '{}')"
    entries = []
    for field in fields:
        corrected = is_corrected("r.corrections", stored_name(field))
        remembered = f"CASE WHEN {corrected} THEN {of_file(field)} ELSE {_own(field)} END"
        differing = differs(field, f"n.{quoted(field.name)}", f"({remembered})")
        entries.append((stored_name(field), differing, remembered, field))
    if connection.vendor == "postgresql":
        removed = "".join(f" - '{name}'" for name, *_ in entries)
        added = "".join(
            f" || CASE WHEN {differing} THEN jsonb_build_object('{name}', {remembered}) ELSE '{{}}' END"
            for name, differing, remembered, _ in entries
        )
        new = f"({base}{removed}){added}"
    else:
        # An unused entry goes to the path "_", which json_remove deletes: json_patch would treat null as a removal.
        added = ", ".join(
            f"CASE WHEN {differing} THEN '$.{name}' ELSE '$._' END, {json_value(field, f'({remembered})')}"
            for name, differing, remembered, field in entries
        )
        removed = ", ".join(f"CASE WHEN {differing} THEN '$._' ELSE '$.{name}' END" for name, differing, *_ in entries)
        new = f"json_remove(json_set({base}, {added}), '$._', {removed})"
    return f"CASE WHEN r.changed_in_id IS NULL THEN r.corrections ELSE nullif({new}, '{{}}') END"


def without(field: models.Field) -> str:
    """Return the corrections without *field*."""
    name = stored_name(field)
    if connection.vendor == "postgresql":
        return f"nullif(r.corrections - '{name}', '{{}}')"
    return f"nullif(json_remove(r.corrections, '$.{name}'), '{{}}')"


def links_of_file(field: models.ManyToManyField, rows: str) -> str:
    """Return a query for the owners and members in the file; *rows* is the FROM and WHERE part for the records."""
    owner, (source, _, condition) = f"r.{quoted(pk_column(field.model))}", rows.partition(" WHERE ")
    if connection.vendor == "postgresql":
        kind = column_type(related_model(field)._meta.pk)
        listed = f"jsonb_array_elements_text({of_file(field)}) m"
        return f"SELECT {owner}, CAST(m AS {kind}) FROM {source}, {listed} WHERE {condition}"
    return f"SELECT {owner}, m.value FROM {source}, json_each({of_file(field)}) m WHERE {condition}"
