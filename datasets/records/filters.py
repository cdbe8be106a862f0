"""The filters of a model's list, which follow from its columns: shared by everything that narrows a list.

``age=39``, ``age__in=39,40``, ``age__gte=30``, ``age__lte=40``; for text also ``__icontains`` and ``__istartswith``,
which fold case as datasets.sql.casefold says; where a record may have no value, ``__isnull=true``. A list of ids
(``compounds=2``) matches the records that have the id in it. ``corrected=true``: those with a curator's corrections.
``search=``: see datasets.records.search.
"""

from collections.abc import Collection
from functools import cache

import django_filters
from django import forms
from django.db import models

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
from datasets.records.personal_data import permission_for
from datasets.records.search import search
from datasets.suggestions import suggest

FOLDED = {"icontains": "folded_contains", "istartswith": "folded_prefix"}
MOST_SUGGESTIONS = 10  # of one request: each takes its time
MOST_FILTERS = 30  # of one list


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
    """Records that have the id in their list, each once however many of the ids it has."""

    def filter(self, queryset, value):
        if value in (None, [], ""):
            return queryset
        field = queryset.model._meta.get_field(self.field_name)
        through, to = field.remote_field.through, field.m2m_reverse_field_name()
        found = through._default_manager.filter(**{f"{to}__{self.lookup_expr}": value})
        return queryset.filter(pk__in=found.values(field.m2m_field_name()))


class SearchFilter(django_filters.CharFilter):
    """Records found by the beginnings of words in the model's ``Listing.search``, but not in personal data."""

    field_class = SearchField

    def filter(self, queryset, value):
        if not value:
            return queryset
        user = self.parent.request.user
        paths = listing_of(queryset.model).search
        fields = {path: field_at(queryset.model, path.removesuffix("__exact")) for path in paths}
        wanted = {path: permission_for(field) for path, field in fields.items()}
        return search(queryset, [path for path, needed in wanted.items() if not needed or user.has_perm(needed)], value)


class UnknownParametersError(Exception):
    """Parameters that a list does not know: a message for each, to be told as an error of the request."""

    def __init__(self, messages: dict[str, list[str]]):
        super().__init__(messages)
        self.messages = messages


class RecordFilterSet(django_filters.FilterSet):
    """The filters of one model's list. With data, only those that the data ask for are made: it may have a hundred."""

    personal: dict[str, str] = {}

    def __init__(self, data=None, queryset=None, **kwargs):
        if data is not None:
            self.base_filters = {name: self.base_filters[name] for name in data if name in self.base_filters}
        super().__init__(data, queryset, **kwargs)

    @classmethod
    def check_parameters(cls, data, user, besides: Collection[str] = (), repeatable: Collection[str] = ()) -> None:
        """Raise UnknownParametersError for what is neither a filter that *user* may use nor among *besides*.

        Only a filter by several values, and what is *repeatable*, may come more than once.
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
                messages[name] = [f"This holds personal data: the permission {permission} is needed to filter by it."]
            elif len(values) > 1 and not (name.endswith("__in") or name in repeatable):
                several = f" For one of several values: {name}__in." if f"{name}__in" in known else ""
                messages[name] = [f"Expected once, found {len(values)} times.{several}"]
            elif not all(value.strip() for value in values):
                messages[name] = ["Expected a value, found none."]
        if messages:
            raise UnknownParametersError(messages)


@cache
def record_filterset(model: type[models.Model]) -> type[RecordFilterSet]:
    """Return the FilterSet of *model*'s list."""
    filters, personal = {}, {}
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


def form_field(field: models.Field) -> forms.Field:
    """Return the form field that takes a value of *field* from a request."""
    _, options = _kind(field)
    return _kind(field)[0].field_class(**options)


def _filters_of(model: type[models.Model], column: ListedColumn) -> dict[str, django_filters.Filter]:
    """Return the filters of a column by their parameters; none where it holds what cannot be compared."""
    field = column.field.target_field if column.many else column.field
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
        # What every record referred to has is missing where the reference is: no join has to find that out.
        path = column.path if column.field.null else column.path.partition("__")[0]
        filters[f"{column.name}__isnull"] = _yes_or_no(field_name=path, lookup_expr="isnull")
    return filters


def _vocabulary(model: type[models.Model], column: ListedColumn) -> type[models.Model] | None:
    """Return the vocabulary whose names *column* shows, if it does."""
    reference, _, rest = column.path.partition("__")
    target = model._meta.get_field(reference).related_model if rest == "name" else None
    return target if target and issubclass(target, Vocabulary) else None


def _text_path(model: type[models.Model], column: ListedColumn) -> str:
    """Return the path of a text to look into: that of the key itself, where the column is a reference."""
    own = None if "__" in column.path else model._meta.get_field(column.path)
    return f"{own.name}__{own.target_field.name}" if own is not None and own.is_relation else column.path


def _kind(field: models.Field) -> tuple[type[django_filters.Filter], dict]:
    """Return the filter that takes a value of *field*, and its options: what is expected, and how to say so."""
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


def _yes_or_no_options() -> dict:
    return {
        "choices": [("true", "true"), ("false", "false")],
        "coerce": lambda text: text == "true",
        "error_messages": {"invalid_choice": "Expected true or false, found %(value)s."},
    }


def _yes_or_no(**options) -> django_filters.Filter:
    return django_filters.TypedChoiceFilter(**options, **_yes_or_no_options())
