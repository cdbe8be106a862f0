"""Conflicts that prevent deleting or restoring records: references to them, reused keys, missing references."""

from collections.abc import Iterator

from django.db import connection, models

from curation.history.record_counts import counted
from datasets.fields import related_model
from datasets.sql.dialect import column_name, pk_column, quoted
from datasets.sql.row_json import members, value_of, values

SHOWN = 10  # keys named in a message


def protecting_references(model: type[models.Model], selected: str) -> Iterator[str]:
    """Yield, for each table that refers to the keys in *selected*, the number of its records and the first keys."""
    for relation in model._meta.related_objects:
        child = relation.related_model
        if not child._meta.managed or relation.many_to_many or relation.on_delete is models.CASCADE:
            continue
        there = (
            f"{quoted(child._meta.db_table)} WHERE {quoted(column_name(relation.field))} IN (SELECT pk FROM {selected})"
        )
        if count := count_of(f"SELECT count(*) FROM {there}"):
            first = listed(f"SELECT {quoted(pk_column(child))} FROM {there} ORDER BY 1 LIMIT {SHOWN + 1}")
            yield f"{counted(child, count)} ({first})"


def key_conflicts(model: type[models.Model], rows: str, document: str) -> Iterator[str]:
    """Yield a sentence if existing records use a key of the rows in the JSON column *document*.

    *rows* is the FROM and WHERE part of a query.
    """
    stored = values(model, document)
    unique = {column_name(field) for field in model._meta.concrete_fields if field.unique} | (
        {"identity"} & set(stored)
    )
    same = " OR ".join(f"r.{quoted(column)} = {stored[column]}" for column in sorted(unique))
    source, _, condition = rows.partition(" WHERE ")
    there = f"{source} JOIN {quoted(model._meta.db_table)} r ON ({same}) WHERE {condition}"
    if count := count_of(f"SELECT count(*) FROM {there}"):
        first = listed(f"SELECT DISTINCT r.{quoted(pk_column(model))} FROM {there} ORDER BY 1 LIMIT {SHOWN + 1}")
        yield f"Existing records have the same key: {counted(model, count)} ({first})."


def owner_field(model: type[models.Model]) -> models.ForeignKey | None:
    """Return the CASCADE foreign key to the owning model, or None."""
    references = (field for field in model._meta.fields if isinstance(field, models.ForeignKey))
    return next((field for field in references if field.remote_field.on_delete is models.CASCADE), None)


def missing_references(model: type[models.Model], rows: str, document: str) -> Iterator[str]:
    """Yield a sentence for each reference in the JSON column *document* whose target no longer exists."""
    for field, query in relations(model, rows, document):
        yield from missing_references_of(field, query)


def relations(model: type[models.Model], rows: str, document: str) -> Iterator[tuple[models.Field, str]]:
    """Yield each relation of *model* and a query of its owners and keys in the JSON column *document* of *rows*."""
    source, _, condition = rows.partition(" WHERE ")
    for field in model._meta.concrete_fields:
        if field.is_relation:
            yield field, f"SELECT 1, {value_of(field, document)} FROM {source} WHERE {condition}"
    for field in model._meta.many_to_many:
        yield field, members(field, rows, document)


def missing_references_of(field: models.Field, query: str) -> Iterator[str]:
    """Yield a sentence if *query*, which selects owners and the keys that *field* holds, names deleted records."""
    if first := listed(f"{missing_keys(field, query)} ORDER BY 1 LIMIT {SHOWN + 1}"):
        yield refers_to_deleted(field, first)


def missing_keys(field: models.Field, query: str) -> str:
    """Return a query of the keys of deleted records in *query*, which selects owners and the keys of *field*."""
    target = related_model(field)
    return (
        f"WITH x(owner, v) AS ({query}) SELECT DISTINCT v FROM x WHERE v IS NOT NULL AND NOT EXISTS"
        f" (SELECT 1 FROM {quoted(target._meta.db_table)} t WHERE t.{quoted(pk_column(target))} = x.v)"
    )


def refers_to_deleted(field: models.Field, first: str) -> str:
    """Return the sentence about deleted records that *field* refers to; *first* has their first keys."""
    name = related_model(field)._meta.verbose_name
    return f"These records refer to deleted records. Restore the deleted records first: {name} {first}."


def count_of(query: str) -> int:
    """Return the only number of *query*."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def listed(query: str) -> str:
    """Return the first keys of *query*, which selects one key more than is shown if there are more."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        keys = [str(key) for (key,) in cursor.fetchall()]
    return ", ".join(keys[:SHOWN]) + (", …" if len(keys) > SHOWN else "")
