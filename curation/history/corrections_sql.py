"""What a record remembers of its file for the fields that somebody has corrected, in SQL; r is the record."""

import json
from typing import Any

from django.db import connection, models

from curation.history.editable_fields import remembers_its_file, stored_name
from datasets.sql.dialect import quoted
from datasets.sql.row_json import differs, is_corrected, json_value, stored_members, value_of


def stored(field: models.Field, value: Any) -> Any:
    """Return *value* as the database is given it: of a many-to-many, the JSON list of its keys in order."""
    if field.many_to_many:
        return json.dumps(sorted({getattr(one, "pk", one) for one in value}), separators=(",", ":"))
    return field.get_db_prep_save(getattr(value, "pk", value), connection)


def parameter(field: models.Field) -> str:
    """Return the mark of a parameter that holds a stored() value of *field*."""
    if connection.vendor == "postgresql":
        # A cast to varchar(n) would cut a longer text off without a word.
        kind = "text" if isinstance(field, models.CharField) else field.rel_db_type(connection)
        return f"CAST(%s AS {'jsonb' if field.many_to_many else kind})"
    return "json(%s)" if isinstance(field, models.JSONField) else "%s"


def _own(field: models.Field) -> str:
    return stored_members(field, "r") if field.many_to_many else f"r.{quoted(field.column)}"


def of_file(field: models.Field) -> str:
    """Return what the record remembers of its file for a corrected field."""
    if not field.many_to_many:
        return value_of(field, "r.corrections")
    if connection.vendor == "postgresql":
        return f"(r.corrections->'{field.name}')"
    return f"json_extract(r.corrections, '$.{field.name}')"


def given(fields: list[models.Field]) -> str:
    """Return the row n that has the new values of *fields* by name; there is a parameter for each, in their order."""
    return f"(SELECT {', '.join(f'{parameter(field)} AS {quoted(field.name)}' for field in fields)}) n"


def assigned(field: models.Field) -> str:
    """Return what a column holds with its new value, which n has.

    A JSON document that says the same as before, or as its file, stays as it is spelled there.
    """
    own, new = _own(field), f"n.{quoted(field.name)}"
    if not isinstance(field, models.JSONField):
        return new
    told = f"WHEN NOT {differs(field, own, new)} THEN {own}"
    if remembers_its_file(field.model):
        same = f"{is_corrected('r.corrections', stored_name(field))} AND NOT {differs(field, of_file(field), new)}"
        told += f" WHEN {same} THEN {of_file(field)}"
    return f"CASE {told} ELSE {new} END"


def remembering(fields: list[models.Field]) -> str:
    """Return the corrections once *fields* have their new values, which n has.

    What is remembered already stays in its place, so that corrections that do not change stay the same text.
    """
    base = "coalesce(r.corrections, '{}')"
    said = []
    for field in fields:
        corrected = is_corrected("r.corrections", stored_name(field))
        remembered = f"CASE WHEN {corrected} THEN {of_file(field)} ELSE {_own(field)} END"
        differing = differs(field, f"n.{quoted(field.name)}", f"({remembered})")
        said.append((stored_name(field), differing, remembered, field))
    if connection.vendor == "postgresql":
        gone = "".join(f" - '{name}'" for name, *_ in said)
        added = "".join(
            f" || CASE WHEN {differing} THEN jsonb_build_object('{name}', {remembered}) ELSE '{{}}' END"
            for name, differing, remembered, _ in said
        )
        new = f"({base}{gone}){added}"
    else:
        # A path that is not wanted leads to "_", which goes again: json_patch would take a null for a removal.
        added = ", ".join(
            f"CASE WHEN {differing} THEN '$.{name}' ELSE '$._' END, {json_value(field, f'({remembered})')}"
            for name, differing, remembered, field in said
        )
        gone = ", ".join(f"CASE WHEN {differing} THEN '$._' ELSE '$.{name}' END" for name, differing, *_ in said)
        new = f"json_remove(json_set({base}, {added}), '$._', {gone})"
    return f"CASE WHEN r.changed_in_id IS NULL THEN r.corrections ELSE nullif({new}, '{{}}') END"


def without(field: models.Field) -> str:
    """Return the corrections without *field*."""
    name = stored_name(field)
    if connection.vendor == "postgresql":
        return f"nullif(r.corrections - '{name}', '{{}}')"
    return f"nullif(json_remove(r.corrections, '$.{name}'), '{{}}')"


def links_of_file(field: models.ManyToManyField, rows: str) -> str:
    """Return a query of the owners and members that the file says; *rows* is a FROM and WHERE of records."""
    owner, (source, _, condition) = f"r.{quoted(field.model._meta.pk.column)}", rows.partition(" WHERE ")
    if connection.vendor == "postgresql":
        kind = field.related_model._meta.pk.rel_db_type(connection)
        listed = f"jsonb_array_elements_text({of_file(field)}) m"
        return f"SELECT {owner}, CAST(m AS {kind}) FROM {source}, {listed} WHERE {condition}"
    return f"SELECT {owner}, m.value FROM {source}, json_each({of_file(field)}) m WHERE {condition}"
