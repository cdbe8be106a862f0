"""The filters of a model's list, derived from its columns.

The API, the admin, Explore and exports use the same filters.

The filters are ``age=39``, ``age__in=39,40``, ``age__gte=30`` and ``age__lte=40``. Text columns also have
``__icontains`` and ``__istartswith``, with the case folding of datasets.sql.casefold, and nullable columns have
``__isnull=true``. A filter on a list of IDs (``compounds=2``) matches the records whose list contains the ID.
``corrected=true`` matches records with corrections. For ``search=``, see datasets.records.search.
"""

from collections import OrderedDict
from collections.abc import Collection
from functools import cache
from typing import Any

import django_filters
from django import forms
from django.db import models
from django.db.models.fields.related import RelatedField
from django.http import QueryDict

from datasets.fields import field_of, through_model
from datasets.listing import listing_of
from datasets.models import Record, Vocabulary
from datasets.query_values import LARGEST as LIMIT
from datasets.records.columns import ListedColumn, columns_of, field_at
from datasets.records.filter_fields import (
    ComposedField,
    DayField,
    DecimalNumberField,
    LabelField,
    SearchField,
    SeveralField,
    WholeNumberField,
)
from datasets.records.masking import Viewer, permission_for
from datasets.records.search import search
from datasets.suggestions import suggest

FOLDED = {"icontains": "folded_contains", "istartswith": "folded_prefix"}
MOST_SUGGESTIONS = 10  # suggestions in one response, because each takes time
MOST_FILTERS = 30  # filters in one request


class SeveralFilter(django_filters.BaseInFilter):
    base_field_class = SeveralField


class LabelFilter(django_filters.CharFilter):
    field_class = LabelField


class TextFilter(django_filters.CharFilter):
    field_class = ComposedField


class WholeNumberFilter(django_filters.Filter):
    field_class = WholeNumberField


class DecimalNumberFilter(django_filters.Filter):
    field_class = DecimalNumberField


class DayFilter(django_filters.DateFilter):
    field_class = DayField


class ManyFilter(WholeNumberFilter):
    """Matches the records whose list contains an ID. A record with several of the IDs is returned only once."""

    def filter(self, queryset: models.QuerySet[Any], value: Any) -> models.QuerySet[Any]:
        if value in (None, [], ""):
            return queryset
        field: models.ManyToManyField[Any, Any] = queryset.model._meta.get_field(self.field_name)
        to = field.m2m_reverse_field_name()
        links = through_model(field)._default_manager.filter(**{f"{to}__{self.lookup_expr}": value})
        return queryset.filter(pk__in=links.values(field.m2m_field_name()))


class SearchFilter(django_filters.CharFilter):
    """Prefix search in the model's ``Listing.search`` paths, except for personal data hidden from the user."""

    field_class = SearchField
    parent: "RecordFilterSet"

    def filter(self, queryset: models.QuerySet[Any], value: Any) -> models.QuerySet[Any]:
        if not value:
            return queryset
        user = self.parent.user
        paths = listing_of(queryset.model).search
        fields = {path: field_at(queryset.model, path.removesuffix("__exact")) for path in paths}
        permissions = {path: permission_for(field) for path, field in fields.items()}
        visible = [path for path, needed in permissions.items() if not needed or user.has_perm(needed)]
        return search(queryset, visible, value)


class UnknownParametersError(Exception):
    """Unknown or invalid parameters of a list, with the messages for each."""

    def __init__(self, messages: dict[str, list[str]]):
        super().__init__(messages)
        self.messages = messages


class RecordFilterSet(django_filters.FilterSet):
    """The filters of one model's list, for *user*. For speed, only the filters in the data are instantiated."""

    personal: dict[str, str] = {}

    def __init__(self, data: QueryDict, queryset: models.QuerySet[Any], user: Viewer):
        self.user = user
        self.base_filters = OrderedDict((name, self.base_filters[name]) for name in data if name in self.base_filters)
        super().__init__(data, queryset)

    @classmethod
    def check_parameters(
        cls, data: QueryDict, user: Viewer, besides: Collection[str] = (), repeatable: Collection[str] = ()
    ) -> None:
        """Raise UnknownParametersError for parameters that are neither filters available to *user* nor in *besides*.

        Only ``__in`` filters and *repeatable* parameters may occur more than once.
        """
        known = [*cls.base_filters, *besides]
        usable = [name for name in known if name not in cls.personal or user.has_perm(cls.personal[name])]
        messages = {}
        filters = [name for name in data if name in cls.base_filters]
        if len(filters) > MOST_FILTERS:
            messages[filters[MOST_FILTERS]] = [f"Expected at most {MOST_FILTERS} filters, found {len(filters)}."]
        for name, values in data.lists():
            permission = cls.personal.get(name)
            if name not in known:
                hint = suggest(name, usable) if len(messages) < MOST_SUGGESTIONS else ""
                messages[name] = [f"Unknown parameter.{hint}"]
            elif permission and not user.has_perm(permission):
                messages[name] = [
                    f"This column contains personal data. Filtering by it needs the permission {permission}."
                ]
            elif len(values) > 1 and not (name.endswith("__in") or name in repeatable):
                several = f" To match one of several values, use {name}__in." if f"{name}__in" in known else ""
                messages[name] = [f"Expected once, found {len(values)} times.{several}"]
            elif not all(value.strip() for value in values):
                messages[name] = ["Expected a value, found none."]
        if messages:
            raise UnknownParametersError(messages)


@cache
def record_filterset(model: type[models.Model]) -> type[RecordFilterSet]:
    """Return the FilterSet of *model*'s list."""
    filters: dict[str, django_filters.Filter] = {}
    personal: dict[str, str] = {}
    for column in columns_of(model):
        for name, column_filter in _filters_of(model, column).items():
            filters[name] = column_filter
            if column.permission:
                personal[name] = column.permission
    if listing_of(model).search:
        filters["search"] = SearchFilter()
    if issubclass(model, Record):
        filters["corrected"] = _yes_or_no(field_name="corrections", lookup_expr="isnull", exclude=True)
    meta = type("Meta", (), {"model": model, "fields": []})
    return type(f"{model.__name__}FilterSet", (RecordFilterSet,), {**filters, "personal": personal, "Meta": meta})


def form_field(field: models.Field[Any, Any]) -> forms.Field:
    """Return the form field that parses values of *field* in requests."""
    kind, options = _kind(field)
    parser: forms.Field = kind.field_class(**options)
    return parser


def _filters_of(model: type[models.Model], column: ListedColumn) -> dict[str, django_filters.Filter]:
    """Return the filters of a column by parameter. JSON documents have no filters."""
    field = column.field.target_field if isinstance(column.field, models.ManyToManyField) else column.field
    if isinstance(field, models.JSONField):
        return {}
    kind, options = (ManyFilter, _kind(field)[1]) if column.many else _kind(field)
    exact, more = kind, {}
    if vocabulary := _vocabulary(model, column):
        exact, more = LabelFilter, {"vocabulary": vocabulary}
    several = type(f"{exact.__name__}In", (SeveralFilter, exact), {})

    lookups = {"exact": exact}
    if not isinstance(field, models.BooleanField):
        lookups["in"] = several
    if isinstance(field, models.CharField | models.TextField) and not field.choices:
        lookups |= {"icontains": kind, "istartswith": kind}
    if isinstance(field, models.IntegerField | models.FloatField | models.DateField) and not column.many:
        lookups |= {"gte": kind, "lte": kind}

    filters = {
        column.name if lookup == "exact" else f"{column.name}__{lookup}": lookup_kind(
            field_name=_text_path(model, column) if lookup in FOLDED else column.path,
            lookup_expr=FOLDED.get(lookup, lookup),
            **(options | (more if lookup in ("exact", "in") else {})),
        )
        for lookup, lookup_kind in lookups.items()
    }
    if column.null and not column.many:
        # If the target's field is not nullable, the foreign key itself shows whether the value is missing, without a
        # join.
        path = column.path if column.field.null else column.path.partition("__")[0]
        filters[f"{column.name}__isnull"] = _yes_or_no(field_name=path, lookup_expr="isnull")
    return filters


def _vocabulary(model: type[models.Model], column: ListedColumn) -> type[models.Model] | None:
    """Return the vocabulary whose terms *column* shows, or None."""
    reference, _, rest = column.path.partition("__")
    target = model._meta.get_field(reference).related_model if rest == "name" else None
    return target if target and issubclass(target, Vocabulary) else None


def _text_path(model: type[models.Model], column: ListedColumn) -> str:
    """Return the path of the text to compare. For a foreign key, this is the path of the target's key."""
    own = None if "__" in column.path else field_of(model, column.path)
    return f"{own.name}__{own.target_field.name}" if isinstance(own, RelatedField) else column.path


def _kind(field: models.Field[Any, Any]) -> tuple[type[django_filters.Filter], dict[str, Any]]:
    """Return the filter class for values of *field*, with options such as bounds and error messages."""
    if field.choices:
        expected = f"Expected one of {', '.join(value for value, _ in field.flatchoices)}; found %(value)s."
        return django_filters.ChoiceFilter, {
            "choices": field.flatchoices,
            "null_label": None,
            "error_messages": {"invalid_choice": expected},
        }
    if isinstance(field, models.BooleanField):
        return django_filters.TypedChoiceFilter, _yes_or_no_options()
    if isinstance(field, models.IntegerField | models.AutoField):
        messages = {
            "invalid": "Expected a whole number.",
            "min_value": "Expected a whole number of %(limit_value)s or more.",
            "max_value": "Expected a whole number of %(limit_value)s or less.",
        }
        return WholeNumberFilter, {"min_value": -LIMIT, "max_value": LIMIT, "error_messages": messages}
    if isinstance(field, models.FloatField):
        return DecimalNumberFilter, {"error_messages": {"invalid": "Expected a number."}}
    if isinstance(field, models.DateField):
        messages = {"invalid": "Expected a date such as 2023-05-01."}
        return DayFilter, {"error_messages": messages}
    return TextFilter, {}


def _yes_or_no_options() -> dict[str, Any]:
    return {
        "choices": [("true", "true"), ("false", "false")],
        "coerce": lambda text: text == "true",
        "error_messages": {"invalid_choice": "Expected true or false, found %(value)s."},
    }


def _yes_or_no(**options: Any) -> django_filters.Filter:
    return django_filters.TypedChoiceFilter(**options, **_yes_or_no_options())
