"""The query parameters of a list in addition to filters: columns, sorting and pagination."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from datasets.query_values import shown, whole_number
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.filters import UnknownParametersError, record_filterset
from datasets.records.keyset_pagination import SortKey
from datasets.records.masking import Viewer
from datasets.records.parameter_names import OF_ANY, OF_LISTS, OF_PAGES, OF_STREAMS, REPEATABLE
from datasets.suggestions import suggest

PAGE_SIZE, LARGEST_PAGE = 100, 1000
MOST_KEYS = 5  # maximum number of sort columns
COUNTS = ("none", "estimated", "exact")


class InvalidParametersError(ValidationError):
    """Invalid parameters, with the messages for each.

    *more* adds members to the problem, such as the known parameters.
    """

    def __init__(self, errors: dict[str, list[str]], **more: Any):
        super().__init__(errors)
        self.errors, self.more = errors, more


@dataclass
class ListQuery:
    """The query parameters of a list, without its filters."""

    columns: tuple[ListedColumn, ...]
    order: list[SortKey] = field(default_factory=list)
    page_size: int = PAGE_SIZE
    cursor: str = ""
    count: str = "none"
    compress: bool = False


def parse_record_query(model: type[models.Model], parameters: QueryDict, user: Viewer) -> ListQuery:
    """Parse the parameters in the URL of a record. Raises InvalidParametersError."""
    unknown = [name for name in parameters if name not in OF_ANY]
    errors = {name: [f"Unknown parameter. Known parameters: {', '.join(OF_ANY)}."] for name in unknown}
    return _read(model, parameters, user, OF_ANY, errors, {})


def parse_list_query(
    model: type[models.Model], parameters: QueryDict, user: Viewer, *, whole: bool = False
) -> tuple[ListQuery, models.QuerySet[Any]]:
    """Parse the parameters in the URL of a list, and filter its records.

    *whole* means that the list is not paginated. Raises InvalidParametersError.
    """
    allowed = OF_STREAMS if whole else OF_LISTS
    records, errors, more = narrowed(model, parameters, user, allowed, REPEATABLE)
    for name in OF_PAGES:
        if name in errors and name not in allowed:
            errors[name] = [f"A download is not paginated. Remove {name}."]
    return _read(model, parameters, user, allowed, errors, more), records


def narrowed(
    model: type[models.Model],
    parameters: QueryDict,
    user: Viewer,
    besides: Collection[str],
    repeatable: Collection[str] = (),
) -> tuple[models.QuerySet[Any], dict[str, list[str]], dict[str, Any]]:
    """Return the filtered records, the errors by parameter, and additional members of the problem document."""
    filterset_class = record_filterset(model)
    errors: dict[str, list[str]] = {}
    more: dict[str, Any] = {}
    try:
        filterset_class.check_parameters(parameters, user, besides, repeatable)
    except UnknownParametersError as error:
        errors |= error.messages
        known = {*filterset_class.base_filters, *besides}
        if error.messages.keys() - known:
            hidden = {name for name, needed in filterset_class.personal.items() if not user.has_perm(needed)}
            more["parameters"] = sorted(known - hidden)
    filters = QueryDict(mutable=True)
    for name, values in parameters.lists():
        if name in filterset_class.base_filters and name not in errors:
            filters.setlist(name, values)
    if not (filters or errors):
        return model._default_manager.all(), errors, more
    filterset = filterset_class(filters, model._default_manager.all(), user)
    if not filterset.is_valid():
        errors |= {name: list(messages) for name, messages in filterset.errors.items()}
    return (model._default_manager.none() if errors else filterset.qs), errors, more


def _read(
    model: type[models.Model],
    parameters: QueryDict,
    user: Viewer,
    allowed: Collection[str],
    errors: dict[str, list[str]],
    more: dict[str, Any],
) -> ListQuery:
    """Parse the *allowed* parameters. Raises InvalidParametersError for errors in *errors* and for any others."""
    columns = {column.name: column for column in columns_of(model)}
    query = ListQuery(tuple(columns.values()))
    readers: dict[str, Callable[[str], None]] = {
        "fields": lambda text: _choose(query, columns, text),
        "omit": lambda text: _leave_out(query, columns, text),
        "ordering": lambda text: _order(query, columns, text, user),
        "page_size": lambda text: setattr(query, "page_size", whole_number(text, 1, LARGEST_PAGE)),
        "count": lambda text: _count(query, text),
        "compress": lambda text: _compress(query, text),
        "cursor": lambda text: setattr(query, "cursor", text),
    }
    for name, read in readers.items():
        if name in allowed and name in parameters and name not in errors:
            try:
                texts = parameters.getlist(name)
                read(",".join(texts) if name in REPEATABLE else texts[-1])
            except ValueError as error:
                errors[name] = [str(error)]
    if "fields" in parameters and "omit" in parameters and "omit" not in errors:
        errors["omit"] = ["Expected either fields or omit, found both."]
    if errors:
        raise InvalidParametersError(errors, **more)
    _add_key(query, model, columns)
    return query


def named(text: str, columns: dict[str, ListedColumn], usable: Iterable[str] | None = None) -> list[str]:
    """Return the comma-separated column names in *text*. Raises ValueError, whose message suggests one of *usable*."""
    names = [name.strip() for name in text.split(",")]
    if len(names) > len(columns):
        raise ValueError(f"Expected at most {len(columns)} columns, found {len(names)}.")
    for name in names:
        if name not in columns:
            hint = suggest(name, columns if usable is None else usable)
            raise ValueError(
                f"There is no column {shown(name) if name else '(empty)'}.{hint} Columns: {', '.join(columns)}."
            )
        if names.count(name) > 1:
            raise ValueError(f"{name} occurs twice.")
    return names


def _choose(query: ListQuery, columns: dict[str, ListedColumn], text: str) -> None:
    query.columns = tuple(columns[name] for name in named(text, columns))


def _leave_out(query: ListQuery, columns: dict[str, ListedColumn], text: str) -> None:
    names = named(text, columns)
    query.columns = tuple(column for name, column in columns.items() if name not in names)
    if not query.columns:
        raise ValueError("No column would remain. Omit fewer columns.")


def _order(query: ListQuery, columns: dict[str, ListedColumn], text: str, user: Viewer) -> None:
    sortable = {name: column for name, column in columns.items() if can_order_by(column)}
    if (count := text.count(",") + 1) > MOST_KEYS:
        raise ValueError(f"Expected at most {MOST_KEYS} columns, found {count}.")
    usable = [name for name, column in sortable.items() if not column.permission or user.has_perm(column.permission)]
    names = named(",".join(name.strip().removeprefix("-") for name in text.split(",")), sortable, usable)
    for name, word in zip(names, text.split(","), strict=True):
        column = sortable[name]
        if column.permission and not user.has_perm(column.permission):
            raise ValueError(f"{name} contains personal data. Sorting by it needs the permission {column.permission}.")
        query.order.append(SortKey(column.path, column.field, word.strip().startswith("-"), column.null))


def can_order_by(column: ListedColumn) -> bool:
    """Return whether a list can be sorted by *column*: false for many-to-many columns and JSON documents."""
    return not (column.many or isinstance(column.field, models.JSONField))


def _add_key(query: ListQuery, model: type[models.Model], columns: dict[str, ListedColumn]) -> None:
    """Add the primary key as the last sort key, so the order is unambiguous."""
    pk = model._meta.pk.attname
    if pk not in [key.path for key in query.order]:
        query.order.append(SortKey(pk, columns[pk].field))


def _count(query: ListQuery, text: str) -> None:
    if text not in COUNTS:
        raise ValueError(f"Expected one of {', '.join(COUNTS)}; found {shown(text)}.")
    query.count = text


def _compress(query: ListQuery, text: str) -> None:
    if text != "gzip":
        raise ValueError(f"Expected gzip, found {shown(text)}.")
    query.compress = True
