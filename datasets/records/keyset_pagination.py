"""Keyset pagination: each page starts after the last record of the previous page, so all pages are equally fast.

A cursor contains the values of the sort columns in the previous record, with the primary key last. It is signed, and
valid only for its own table and sort order.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from django.core.signing import BadSignature, Signer
from django.db import models
from django.db.models import F, Q

from datasets.records.ordering import order_of_keys

CHECKED = Signer(salt="datasets.records.keyset_pagination", sep=".")
MOST_BYTES = 1000  # maximum size of a cursor; a longer one has only the record's key, and the values are read again


class Compact:
    """Serializes a cursor's values as JSON in UTF-8, which is half as long as with escapes."""

    def dumps(self, values: Any) -> bytes:
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()

    def loads(self, text: bytes) -> Any:
        return json.loads(text)


class InvalidCursorError(Exception):
    """The cursor is invalid, or was issued for another list."""


@dataclass(frozen=True)
class SortKey:
    """A column to sort by. Records without a value come last in both directions."""

    path: str
    field: models.Field[Any, Any]
    descending: bool = False
    null: bool = False

    def expression(self, *, backwards: bool) -> Any:
        descending = self.descending != backwards
        if not self.null:
            return f"-{self.path}" if descending else self.path
        nulls = {"nulls_first": True} if backwards else {"nulls_last": True}
        return F(self.path).desc(**nulls) if descending else F(self.path).asc(**nulls)

    def beyond(self, value: Any, *, backwards: bool) -> Q:
        """Return the condition for values after *value*."""
        if value is None:
            return Q(**{f"{self.path}__isnull": False}) if backwards else Q(pk__in=[])
        beyond = Q(**{f"{self.path}__{'lt' if self.descending != backwards else 'gt'}": value})
        return beyond | Q(**{f"{self.path}__isnull": True}) if self.null and not backwards else beyond

    def equal(self, value: Any) -> Q:
        return Q(**{f"{self.path}__isnull": True}) if value is None else Q(**{self.path: value})

    def not_before(self, value: Any, *, backwards: bool) -> Q:
        """Return a simple bound on the first column, which lets the database use an index."""
        if value is None or (self.null and not backwards):
            return Q()
        return Q(**{f"{self.path}__{'lte' if self.descending != backwards else 'gte'}": value})


class Page(NamedTuple):
    """The rows of a page, without columns used only for sorting, and the cursors of the next and previous pages."""

    rows: list[tuple[Any, ...]]
    next: str | None
    previous: str | None

    def links(self, address: str) -> dict[str, str | None]:
        """Return the URLs of the pages after and before the page at *address*."""
        # The other parameters are copied unchanged, with unescaped commas, so the links are as valid as the request's
        # URL.
        path, _, query = address.replace("%2C", ",").replace("%2c", ",").partition("?")
        parts = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) != "cursor"]
        cursors = {"next": self.next, "previous": self.previous}
        return {name: cursor and f"{path}?{'&'.join([*parts, f'cursor={cursor}'])}" for name, cursor in cursors.items()}


def page(
    records: models.QuerySet[Any], selected: Sequence[str], order: Sequence[SortKey], size: int, cursor: str
) -> Page:
    """Return *size* rows of the columns *selected*, starting at *cursor* or at the beginning.

    Raises InvalidCursorError.
    """
    list_name = f"{records.model._meta.db_table} {' '.join(f'{key.path}{key.descending:d}' for key in order)}"
    backwards, after = _decode(cursor, list_name, order, records.model) if cursor else (False, None)
    if after:
        records = records.filter(_beyond(order, after, backwards=backwards))
    ordered = records.order_by(*(key.expression(backwards=backwards) for key in order))
    if len(order) > 1:  # sort keys, and then read the other columns of the page
        keys = ordered.order_by(*order_of_keys(ordered, ordered.query.order_by)).values("pk")
        page_of_keys = records.model._default_manager.filter(pk__in=keys[: size + 1])
        ordered = page_of_keys.order_by(*ordered.query.order_by)
    added = [key.path for key in order if key.path not in selected]
    columns = [*selected, *added]
    rows = list(ordered.values_list(*columns)[: size + 1])
    more = len(rows) > size
    del rows[size:]
    if backwards:
        rows.reverse()
    indexes = [columns.index(key.path) for key in order]

    def encode(row: tuple[Any, ...], *, back: bool) -> str:
        values = [_text(key.field, row[index]) for key, index in zip(order, indexes, strict=True)]
        cursor = _signed([back, list_name, values])
        if len(cursor) > MOST_BYTES:
            index = [key.path for key in order].index(records.model._meta.pk.attname)
            cursor = _signed([back, list_name, [values[index]]])
        return cursor

    following = encode(rows[-1], back=False) if rows and (more or backwards) else None
    leading = encode(rows[0], back=True) if rows and (more if backwards else after) else None
    if added:
        rows = [row[: len(selected)] for row in rows]
    return Page(rows, following, leading)


def _text(field: models.Field[Any, Any], value: Any) -> str | None:
    if value is None:
        return None
    holder = SimpleNamespace(**{field.attname: value})
    return field.value_to_string(holder)  # type: ignore[arg-type]  # it only reads the attribute


def _beyond(order: Sequence[SortKey], values: Sequence[Any], *, backwards: bool) -> Q:
    *earlier, (last, value) = zip(order, values, strict=True)
    condition = last.beyond(value, backwards=backwards)
    for key, value in reversed(earlier):
        condition = key.beyond(value, backwards=backwards) | (key.equal(value) & condition)
    return order[0].not_before(values[0], backwards=backwards) & condition if earlier else condition


def _signed(values: list[Any]) -> str:
    return CHECKED.sign_object(values, serializer=Compact, compress=True)


def _decode(
    cursor: str, list_name: str, order: Sequence[SortKey], model: type[models.Model]
) -> tuple[bool, Sequence[Any]]:
    try:
        backwards, name, values = CHECKED.unsign_object(cursor, serializer=Compact)
    except (BadSignature, ValueError, UnicodeError):
        raise InvalidCursorError from None
    if name != list_name:
        raise InvalidCursorError
    if len(values) < len(order):
        key = model._meta.pk.to_python(values[0])
        row = model._default_manager.filter(pk=key).values_list(*(key.path for key in order)).first()
        if row is None:
            raise InvalidCursorError  # the record has been deleted
        return backwards, row
    return backwards, [
        None if value is None else key.field.to_python(value) for key, value in zip(order, values, strict=True)
    ]
