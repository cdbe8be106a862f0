"""What keeps records from going or from coming back: who refers to them, who has their place, what they lack."""

from collections.abc import Iterator

from django.db import connection, models

from datasets.sql.dialect import quoted
from datasets.sql.row_json import members, value_of, values

SHOWN = 10  # of the records that stand in the way, for each reason


def referring(model: type[models.Model], selected: str) -> Iterator[str]:
    """Yield what refers to the records whose keys the table *selected* has: how many of which table, and the first."""
    for relation in model._meta.related_objects:
        child = relation.related_model
        if not child._meta.managed or relation.many_to_many or relation.on_delete is models.CASCADE:
            continue
        there = f"{quoted(child._meta.db_table)} WHERE {quoted(relation.field.column)} IN (SELECT pk FROM {selected})"
        if count := _one(f"SELECT count(*) FROM {there}"):
            first = _listed(f"SELECT {quoted(child._meta.pk.column)} FROM {there} ORDER BY 1 LIMIT {SHOWN + 1}")
            yield f"{count} of {child._meta.db_table} ({first})"


def taken(model: type[models.Model], rows: str, document: str) -> Iterator[str]:
    """Yield a sentence where another record has a key that the JSON *document* of *rows* has; *rows* is FROM, WHERE."""
    stored = values(model, document)
    unique = {field.column for field in model._meta.concrete_fields if field.unique} | ({"identity"} & set(stored))
    same = " OR ".join(f"r.{quoted(column)} = {stored[column]}" for column in sorted(unique))
    source, _, condition = rows.partition(" WHERE ")
    there = f"{source} JOIN {quoted(model._meta.db_table)} r ON ({same}) WHERE {condition}"
    if count := _one(f"SELECT count(*) FROM {there}"):
        first = _listed(f"SELECT DISTINCT r.{quoted(model._meta.pk.column)} FROM {there} ORDER BY 1 LIMIT {SHOWN + 1}")
        yield f"{count} of {model._meta.db_table} would come back to a place that others have: {first}."


def given_away(model: type[models.Model], rows: str, document: str) -> Iterator[str]:
    """Yield a sentence for each unique column whose value in the JSON *document* of *rows* others have by now."""
    pk, stored = model._meta.pk, values(model, document)
    source, _, condition = rows.partition(" WHERE ")
    for field in model._meta.concrete_fields:
        if field.unique and field is not pk:
            same = f"r.{quoted(field.column)} = {stored[field.column]} AND r.{quoted(pk.column)} <> {stored[pk.column]}"
            there = f"{source} JOIN {quoted(model._meta.db_table)} r ON ({same}) WHERE {condition}"
            if count := _one(f"SELECT count(*) FROM {there}"):
                first = _listed(f"SELECT r.{quoted(pk.column)} FROM {there} ORDER BY 1 LIMIT {SHOWN + 1}")
                yield f"{count} of {model._meta.db_table} have the {field.verbose_name} by now: {first}."


def part_of(model: type[models.Model]) -> models.ForeignKey | None:
    """Return the field that leads from *model* to what its rows are a part of and go with, where they are one."""
    references = (field for field in model._meta.fields if field.is_relation)
    return next((field for field in references if field.remote_field.on_delete is models.CASCADE), None)


def lacking(model: type[models.Model], rows: str, document: str) -> Iterator[str]:
    """Yield a sentence for each table that the JSON *document* of *rows* refers to and that lacks what it names."""
    for field in model._meta.concrete_fields:
        if field.is_relation:
            source, _, condition = rows.partition(" WHERE ")
            query = f"SELECT 1, {value_of(field, document)} FROM {source} WHERE {condition}"
            yield from lacking_of(field, query)
    for field in model._meta.many_to_many:
        yield from lacking_of(field, members(field, rows, document))


def lacking_of(field: models.Field, query: str) -> Iterator[str]:
    """Yield a sentence where *query*, of owners and the keys that they refer to by *field*, names what is gone."""
    target = field.related_model._meta
    there = (
        f"WITH x(owner, v) AS ({query}) SELECT DISTINCT v FROM x WHERE v IS NOT NULL AND NOT EXISTS"
        f" (SELECT 1 FROM {quoted(target.db_table)} t WHERE t.{quoted(target.pk.column)} = x.v)"
        f" ORDER BY 1 LIMIT {SHOWN + 1}"
    )
    if first := _listed(there):
        yield f"What they refer to is no more, and has to be restored first: {target.verbose_name} {first}."


def _one(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def _listed(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        keys = [str(key) for (key,) in cursor.fetchall()]
    return ", ".join(keys[:SHOWN]) + (", …" if len(keys) > SHOWN else "")
