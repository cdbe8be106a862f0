"""Seals: digests of records, which bind a confirmation to the state that the user saw."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.db import connection, models
from django.utils.crypto import salted_hmac

from datasets.sql.dialect import column_type, pk_column, quoted
from datasets.sql.row_json import as_json
from datasets.versions import version_of
from imports.models import Change, Edit

MOST = 10_000  # changes of an edit up to which its seal covers each record
AT_ONCE = 2000  # rows fetched at once


def digest_of(text: str) -> str:
    """Return a keyed digest of a seal, which has a fixed length and from which no record can be guessed."""
    return salted_hmac(__name__, text, algorithm="sha256").hexdigest()


def seal_of(query: str, parameters: Iterable[Any] = ()) -> str:
    """Return the seal of the rows of *query*, which are texts. It does not depend on their order."""
    count = total = 0
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, list(parameters) or None)
        while rows := cursor.fetchmany(AT_ONCE):
            for row in rows:
                count += 1
                total += int.from_bytes(hashlib.sha256(repr(tuple(row)).encode()).digest(), "big")
    return f"{count}-{total % 2**256:064x}"


def seal_of_rows(model: type[models.Model], selected: str, parameters: Iterable[Any] = ()) -> str:
    """Return the seal of the stored rows of *model* whose keys the query *selected* returns."""
    pk = quoted(pk_column(model))
    row = f"CAST({as_json(model, 'r')} AS text)"
    return seal_of(f"SELECT {row} FROM {quoted(model._meta.db_table)} r WHERE r.{pk} IN ({selected})", parameters)


def seal_of_changes(edit: Edit) -> str:
    """Return the seal of the changes of *edit*: each record with its row before and after."""
    rows = 'CAST("before" AS text), CAST("after" AS text)'
    return seal_of(f'SELECT "table", record, kind, {rows} FROM changes WHERE edit_id = %s', [edit.pk])


def seal_of_edited(edit: Edit, edited: Iterable[type[models.Model]]) -> str:
    """Return the seal of the current state of the records of *edit*.

    For an edit of more than ``MOST`` records it is the version of their datasets, which increases with every change.
    """
    if Change.objects.filter(edit=edit)[: MOST + 1].count() > MOST:
        return " ".join(str(version_of(label)) for label in sorted({model._meta.app_label for model in edited}))
    seals = []
    for model in edited:
        kind = column_type(model._meta.pk)
        keys = f'SELECT CAST(c.record AS {kind}) FROM changes c WHERE c.edit_id = %s AND c."table" = %s'
        seals.append(seal_of_rows(model, keys, [edit.pk, model._meta.db_table]))
    return " ".join(seals)
