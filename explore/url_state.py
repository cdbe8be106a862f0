"""The state of a page, stored in its URL: filters, search, columns, sort order and the settings of each tab.

Filters have the same syntax as in the API. The three tabs share their parameters, so that each keeps the settings of
the others.
"""

from collections.abc import Collection, Sequence
from functools import cache, cached_property

from django.db import models
from django.http import HttpRequest, QueryDict

from datasets.fields import field_of, related_model
from datasets.listing import label_field
from datasets.matviews import summary_of
from datasets.models import Record
from datasets.query_values import list_of, shown
from datasets.records.columns import DIRECTIONS, ListedColumn, columns_of, moved
from datasets.records.filters import RecordFilterSet, UnknownParametersError, record_filterset
from datasets.records.pagination import BoundedPaginator
from datasets.records.parameter_names import OF_CHARTS, OF_EXPORTS, OF_TABLES
from datasets.records.query_params import InvalidParametersError, ListQuery, parse_list_query
from explore.tables import Table
from exports.columns import is_masked

MANY = ("measure",)  # parameters that may be repeated or contain commas
ROWS = 50
READABLE = "/,:;@!$'()*?"  # characters that need no percent-encoding in a query string


class State:
    """The URL's parameters for *table*; *own* are the parameters for which the page has form fields."""

    def __init__(self, request: HttpRequest, table: Table, own: Collection[str] = ()):
        self.request, self.table, self.own, self.user = request, table, set(own), request.user
        self.model = table.model
        self.filterset: type[RecordFilterSet] = record_filterset(self.model)
        self.usual = [column.name for column in default_columns(self.model)]
        self.errors: dict[str, list[str]] = {}
        self.data = self._simplified(request.GET)
        self.known = [*OF_TABLES, *OF_CHARTS, *OF_EXPORTS, *self.own]
        self.summary = summary_of(self.model)
        self._query, self.records = self._read()

    @property
    def columns(self) -> tuple[ListedColumn, ...]:
        """The shown columns, in their order."""
        return self._query.columns

    @property
    def order(self) -> list:
        """The sort keys of the records; the primary key is the last."""
        return self._query.order

    @property
    def filters(self) -> dict[str, str]:
        """The active filters, including the search."""
        return {name: value for name, [*_, value] in self.data.lists() if name in self.filterset.base_filters}

    @property
    def is_simple(self) -> bool:
        """Whether the URL is canonical: without empty or repeated parameters."""
        return dict(self.data.lists()) == dict(self.request.GET.lists())

    def query(self, **changes: object) -> str:
        """Return the state with *changes* as a query string; None removes a parameter.

        The cursor is left out unless it is among the changes, because other filters or another order have other pages.
        """
        data = self.data.copy()
        data.pop("cursor", None)
        for name, value in changes.items():
            if value is None:
                data.pop(name, None)
            else:
                data[name] = str(value)
        return "?" + data.urlencode(safe=READABLE)

    @property
    def filter_query(self) -> str:
        """The filters as a query string, or "" if there are none: the address of what depends only on the records."""
        data = QueryDict(mutable=True)
        data.update(self.filters)
        return f"?{data.urlencode(safe=READABLE)}" if data else ""

    def api_parameters(self) -> QueryDict:
        """Return the API's parameters for the same list."""
        params = QueryDict(mutable=True)
        params.update(self.filters)
        if "columns" in self.data or self.columns != columns_of(self.model):
            params["fields"] = ",".join(column.name for column in self.columns)
        if "ordering" in self.data:
            params.setlist("ordering", self.data.getlist("ordering"))
        return params

    def narrowed(self, without: Sequence[str] = ()) -> models.QuerySet:
        """Return the records that match all filters except those named in *without*."""
        if not without:
            keys = self.paginator.matched_ids
            return self.records if keys is None else self.model._default_manager.filter(pk__in=keys)
        data = QueryDict(mutable=True)
        data.update({name: value for name, value in self.filters.items() if name not in without})
        if self.errors:
            return self.records
        return self.filterset(data, self.model._default_manager.all(), self.user).qs

    @cached_property
    def paginator(self) -> BoundedPaginator:
        """The paginator that counts the records, as in the admin."""
        return BoundedPaginator(self.records.order_by("pk"), ROWS)

    def _simplified(self, given: QueryDict) -> QueryDict:
        """Return each parameter once, without empty form fields; several checked values become one ``__in`` filter."""
        data = QueryDict(mutable=True)
        known = self.filterset.base_filters
        for name, values in given.lists():
            values = list(dict.fromkeys(value for value in values if value.strip()))
            if name == "move":
                continue
            if name in ("columns", *MANY):
                values = [",".join(values)] if values else []
            several = f"{name}__in"
            if len(values) > 1 and name in known:
                if set(values) == {"true", "false"}:
                    continue  # both values together filter nothing
                if several in known and several not in given:
                    name, values = several, [list_of(values)]
                elif name.endswith("__in"):
                    values = [list_of(values)]
            if values:
                data.setlist(name, values)
        self._move_columns(data, given.getlist("move"))
        return data

    def _move_columns(self, data: QueryDict, moves: list[str]) -> None:
        """Apply *moves* to the columns of *data*, and leave out the usual columns."""
        chosen = [column for column in data.get("columns", "").split(",") if column] or self.usual
        for move in moves:
            direction, _, name = move.partition(":")
            if direction not in DIRECTIONS or all(name != column.name for column in columns_of(self.model)):
                self._refuse("move", [f"Expected earlier or later, a colon and a column, found {shown(move)}."])
            chosen = moved(chosen, direction, name)
        if chosen != self.usual:
            data["columns"] = ",".join(chosen)
        else:
            data.pop("columns", None)

    def _read(self) -> tuple[ListQuery, models.QuerySet]:
        try:
            self.filterset.check_parameters(self.data, self.user, besides=self.known)
        except UnknownParametersError as error:
            self.errors |= error.messages
        params = self.data.copy()
        for name in [*self.known, *self.errors]:
            params.pop(name, None)
        params["fields"] = self.data.get("columns") or ",".join(self.usual)
        for name in ("ordering", "cursor"):
            if name in self.data:
                params.setlist(name, self.data.getlist(name))
        try:
            read, records = parse_list_query(self.model, params, self.user)
        except InvalidParametersError as error:
            for name, messages in error.errors.items():
                self._refuse({"fields": "columns"}.get(name, name), messages)
            params = QueryDict(f"fields={','.join(self.usual)}")
            read, records = parse_list_query(self.model, params, self.user)
        return read, records.none() if self.errors else records

    def _refuse(self, name: str, messages: list[str]) -> None:
        self.errors.setdefault(name, messages)

    def refuse(self, name: str, message: str) -> None:
        """Add an error for parameter *name*; the page then shows no records."""
        self._refuse(name, [message])
        self.records = self.records.none()
        self.__dict__.pop("paginator", None)


@cache
def default_columns(model: type[models.Model]) -> list[ListedColumn]:
    """Return the columns that are shown by default: labels instead of ids, no JSON documents, no provenance."""
    provenance = {field.name for field in Record._meta.get_fields()}
    columns = columns_of(model)
    chosen = [
        column
        for column in columns
        if not has_label(model, column)
        and column.path.split("__")[0] not in provenance
        and not isinstance(column.field, models.JSONField)
    ]
    return chosen or list(columns)


def has_filter(state: State, column: ListedColumn) -> bool:
    """Return whether the filter form has a filter of *column*."""
    return (
        column in default_columns(state.model)
        and not isinstance(column.field, models.AutoField | models.BigAutoField)
        and column.name in state.filterset.base_filters
        and not is_masked(column, state.user)
    )


def has_label(model: type[models.Model], column: ListedColumn) -> bool:
    """Whether *column* is the id of a related record whose label is the next column."""
    own = None if "__" in column.path else field_of(model, column.path)
    if own is None or not own.is_relation or own.many_to_many:
        return False
    target = related_model(own)
    return label_field(target) != target._meta.pk.name
