"""The previous and the next record, in the order of the list from which the user has come, or else by key."""

from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.db import connection, models
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from curation.admin.changelist import RecordChangeList
from datasets.fields import field_of, related_model
from datasets.records.columns import field_at
from datasets.records.ordering import is_quick
from datasets.records.pagination import BoundedPaginator
from datasets.sql.query_timeout import QueryTimeError, limited

LIST = "_changelist_filters"  # Django's parameter with the parameters of the list
SECONDS = 0.25  # for both queries: a filter that few records match may need to read many records
NAMES = ("previous", "next")
Order = tuple[tuple[str, bool], ...]  # the path of each sort column, and whether the order is descending
BY_KEY: Order = (("pk", False),)
NOTE = "“Previous” and “Next” follow the order of the keys, because they cannot follow the order of the list."


class _ListOrder(RecordChangeList):
    """The filters and the order of a list, without its page."""

    def get_results(self, request: HttpRequest) -> None:
        """Do nothing."""


def neighbors(admin: ModelAdmin[Any], request: HttpRequest, record: models.Model) -> dict[str, str]:
    """Return the addresses of the previous and the next record, if they exist and are found in time.

    In a long table, they follow the keys instead of the order of a column without an index. A *note* says so.
    """
    given = request.GET.get(LIST, "")
    records, order = _listed(admin, request, given) if given else (None, BY_KEY)
    note = {"note": NOTE} if order is None else {}
    records, order = (admin.get_queryset(request) if records is None else records), order or BY_KEY
    found: dict[str, Any] = {}
    with suppress(QueryTimeError), limited(SECONDS):
        if (values := _sorted_by(record, order)) is not None:
            found = {name: _beyond(records, order, values, backwards=name == "previous") for name in NAMES}
    meta = admin.opts
    return note | {
        name: reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(key)])
        + (f"?{urlencode({LIST: given})}" if given else "")
        for name, key in found.items()
        if key is not None
    }


def _listed(
    admin: ModelAdmin[Any], request: HttpRequest, parameters: str
) -> tuple[models.QuerySet[Any] | None, Order | None]:
    """Return the records of a list, and their order or None if it would be slow to follow.

    The records are None for invalid parameters, and for a list of another kind.
    """
    if not issubclass(admin.get_changelist(request), RecordChangeList):
        return None, BY_KEY
    asked = copy(request)
    asked.GET = QueryDict(parameters)
    columns = list(admin.get_list_display(asked))
    if admin.get_actions(asked):
        columns.insert(0, "action_checkbox")  # as in the list: its sort parameter counts the columns
    try:
        listed = _ListOrder(
            asked,
            admin.model,
            columns,
            admin.get_list_display_links(asked, columns),
            admin.get_list_filter(asked),
            admin.date_hierarchy,
            admin.get_search_fields(asked),
            admin.get_list_select_related(asked),
            admin.list_per_page,
            admin.list_max_show_all,
            (),
            admin,
            admin.get_sortable_by(asked),
            None,
        )
    except IncorrectLookupParameters:
        return None, BY_KEY
    if listed.parameter_errors:
        return None, BY_KEY
    names = [name for name in listed.queryset.query.order_by if isinstance(name, str)]
    is_known = len(names) == len(listed.queryset.query.order_by) and not any(_is_reference(admin, n) for n in names)
    order = tuple((name.removeprefix("-"), name.startswith("-")) for name in names)
    can_follow = is_known and order and (is_quick(admin.model, names[0]) or _is_short(admin.model))
    return listed.queryset, order if can_follow else None


def _is_short(model: type[models.Model]) -> bool:
    """Return whether a table is quick to sort by any column."""
    return BoundedPaginator(model._default_manager.order_by("pk"), 1).is_exact


def _is_reference(admin: ModelAdmin[Any], name: str) -> bool:
    """Return whether a sort column is a reference: its order is that of the related records, not that of its keys."""
    *references, last = name.removeprefix("-").split("__")
    model = admin.model
    for reference in references:
        model = related_model(field_of(model, reference))
    return last != "pk" and field_of(model, last).is_relation and last != field_of(model, last).attname


def _sorted_by(record: models.Model, order: Order) -> Sequence[Any] | None:
    """Return the values of *record* in the sort columns, as they are stored; None if it was deleted meanwhile."""
    if order == BY_KEY:
        return (record.pk,)
    return type(record)._base_manager.filter(pk=record.pk).values_list(*(path for path, _ in order)).first()


def _beyond(records: models.QuerySet[Any], order: Order, values: Sequence[Any], *, backwards: bool) -> Any:
    """Return the key of the first of *records* after *values* in *order*, or before them; None if there is none."""
    towards = tuple((path, descending != backwards) for path, descending in order)
    keys = records.order_by(*(f"-{path}" if descending else path for path, descending in towards))
    keys = keys.values_list("pk", flat=True)
    first, value = towards[0], values[0]
    among = models.Q(**{f"{first[0]}__isnull": True})
    if value is not None:  # lets the database use an index
        among = models.Q(**{f"{first[0]}__{'lte' if first[1] else 'gte'}": value})
    key = keys.filter(among & _after(records.model, towards, values)).first()
    others = _other_nulls(records.model, *first, value) if key is None else None
    return key if others is None else keys.filter(others).first()


def _after(model: type[models.Model], order: Order, values: Sequence[Any]) -> models.Q:
    """Return the condition for records after the record with these *values*.

    Of the first column, the records without a value are left out if the record has one, and the reverse.
    """
    condition, equal = models.Q(pk__in=[]), models.Q()
    for index, ((path, descending), value) in enumerate(zip(order, values, strict=True)):
        if value is not None:
            condition |= equal & models.Q(**{f"{path}__{'lt' if descending else 'gt'}": value})
        if index and (others := _other_nulls(model, path, descending, value)) is not None:
            condition |= equal & others
        equal &= models.Q(**({f"{path}__isnull": True} if value is None else {path: value}))
    return condition


def _other_nulls(model: type[models.Model], path: str, descending: bool, value: Any) -> models.Q | None:  # noqa: FBT001
    """Return the condition for records without a value if they follow *value*, or for others if these follow NULL."""
    if path == "pk" or not field_at(model, path).null:
        return None
    nulls_are_last = (connection.vendor == "postgresql") != descending
    return models.Q(**{f"{path}__isnull": nulls_are_last}) if nulls_are_last != (value is None) else None
