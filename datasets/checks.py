"""System checks of each model's Listing: ``manage.py check`` reports unknown names and suggests similar ones.

Without these checks, a misspelled name could unmask e-mail addresses or disable a search without an error.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error
from django.db import models

from datasets.fields import related_model
from datasets.listing import CHART_KINDS, MEASURES, Chart, Listing, Weight, api_name, label_field, listing_of
from datasets.models import MaterializedView, Record, Vocabulary
from datasets.reserved_names import clashing
from datasets.suggestions import suggest

FORMER = {
    "search_fields": "search",
    "label_field": "label",
    "joined_columns": "joined",
    "text_lists": "lists",
    "id_lists": "lists",
    "personal_fields": "personal",
    "first_chart": "chart",
    "chart": "chart",
}
TEXTS = (models.CharField, models.TextField)
NUMBERS = (models.IntegerField, models.FloatField)
OPAQUE = (models.JSONField, models.BinaryField)


class UnsuitableError(Exception):
    """An invalid part of a Listing, with the problem and a hint."""

    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.message, self.hint = message, hint


def check_listings(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check the Listings of the datasets' models."""
    errors: list[CheckMessage] = []
    for app in app_configs or apps.get_app_configs():
        declared = [model for model in app.get_models() if not model._meta.proxy]
        if any(issubclass(model, Record | Vocabulary | MaterializedView) for model in declared):
            for model in declared:
                errors += [*_check_attributes(model), *_check_names(model), *_check_listing(model)]
            errors += _check_addresses(declared)
    return errors


def _check_attributes(model: type[models.Model]) -> Iterator[CheckMessage]:
    """Report attributes without effect: attributes that Listing has replaced, and a Listing under another name."""
    attributes = {name: value for cls in reversed(model.__mro__) for name, value in vars(cls).items()}
    for name in sorted(FORMER.keys() & attributes.keys() - {field.name for field in model._meta.get_fields()}):
        yield _error(model, "E001", f"{name} has no effect.", f"Write listing = Listing({FORMER[name]}=...) instead.")
    for name, value in attributes.items():
        if isinstance(value, Listing) != (name == "listing"):
            problem = "listing is not a Listing." if name == "listing" else f"The Listing {name} has no effect."
            yield _error(model, "E002", problem, "Write listing = Listing(...).")


def _check_names(model: type[models.Model]) -> Iterator[CheckMessage]:
    """Report fields and columns whose names other parts of the site use."""
    for name, reason in clashing(model).items():
        other = f"{model._meta.model_name}_{name.strip('_')}"
        hint = f"Use a name such as {other}, and declare the heading of the files in sources.py."
        yield _error(model, "E011", f"{name} cannot be the name of a column: {reason}.", hint)


def _check_listing(model: type[models.Model]) -> Iterator[CheckMessage]:
    listing = getattr(model, "listing", None)
    if not isinstance(listing, Listing):
        return
    parts = {}
    for name, option in OPTIONS.items():
        try:
            parts[name] = list(option.parts_of(getattr(listing, name)))
        except TypeError:
            message = f"Listing.{name} is not {option.expected}: {getattr(listing, name)!r}."
            yield _error(model, option.number, message, f"Write {option.expected}.")
    if parts.keys() < OPTIONS.keys():
        return
    for name, option in OPTIONS.items():
        for part in parts[name]:
            try:
                option.check(model, part)
            except UnsuitableError as error:
                yield _error(model, option.number, f"Listing.{name}: {error.message}", error.hint)


def _check_search(model: type[models.Model], path: str) -> None:
    target = path.removesuffix("__exact")
    field = _field_at(model, target)
    if target != path and not isinstance(field, (*TEXTS, models.IntegerField)):
        raise UnsuitableError(f"{path} is neither a text field nor an integer field.")
    if target == path and not isinstance(field, TEXTS):
        exact = isinstance(field, models.IntegerField)
        raise UnsuitableError(f"{path} is not a text field.", f"Did you mean {path}__exact?" if exact else None)


def _check_label(model: type[models.Model], name: str) -> None:
    field = _own_field(model, name)
    if field.is_relation or isinstance(field, OPAQUE):
        raise UnsuitableError(f"{name} cannot be the label of a record.", "Use a text, number or date field.")


def _check_joined(model: type[models.Model], name: str) -> None:
    path = listing_of(model).joined[name]
    if not name.isidentifier() or "__" in name:
        raise UnsuitableError(f"{name} is not a valid column name.", "Use a name such as education_years.")
    if name in _columns(model):
        raise UnsuitableError(f"{model.__name__} already has a column {name}.", "Use another name.")
    if "__" not in path:
        raise UnsuitableError(f"{path} does not lead to another table.", "Write a path such as education__years.")
    if isinstance(_field_at(model, path), models.BinaryField):
        raise UnsuitableError(f"{path} contains bytes, which lists cannot show.")


def _check_list(model: type[models.Model], name: str) -> None:
    if not isinstance(_own_field(model, name), TEXTS):
        raise UnsuitableError(f"{name} is not a text field with values such as 2;3.")


def _check_personal(model: type[models.Model], name: str) -> None:
    field = _own_field(model, name)
    if field.primary_key or not isinstance(field, TEXTS):
        raise UnsuitableError(f"{name} cannot be masked.", "Only text fields other than the primary key can be masked.")
    if name == label_field(model):
        raise UnsuitableError(f"{name} is the label, which every viewer of the table sees.", "Set another label.")
    permission = listing_of(model).personal[name]
    known = {
        f"{options.app_label}.{codename}"
        for options in (other._meta for other in apps.get_models())
        for codename in (
            *(f"{action}_{options.model_name}" for action in options.default_permissions),
            *(codename for codename, _ in options.permissions),
        )
    }
    if permission not in known:
        near = _did_you_mean(permission, known, otherwise="Declare it in Meta.permissions.")
        raise UnsuitableError(f"there is no permission {permission}.", near)


def _check_chart(model: type[models.Model], chart: Chart) -> None:
    if chart.kind not in CHART_KINDS:
        raise UnsuitableError(f"there is no kind {chart.kind}.", f"Use one of {', '.join(CHART_KINDS)}.")
    measure, _, measured = chart.measure.partition(":")
    if measure not in MEASURES or (MEASURES[measure] and not measured):
        forms = ", ".join(f"{name}:COLUMN" if of_column else name for name, of_column in MEASURES.items())
        raise UnsuitableError(f"{chart.measure} is not a measure.", f"Use one of {forms}.")
    columns, listing = _columns(model), listing_of(model)
    if not issubclass(model, MaterializedView):  # the dashboard's chart of a view can use only the view's own columns
        columns |= {name: _field_at(model, path) for name, path in listing.joined.items()}
    order = chart.sort.removeprefix("-")
    named = [chart.x.partition(":")[0], chart.colour.partition(":")[0], measured]
    for name in [*named, "" if order in ("name", "value") else order]:
        if name and name not in columns:
            raise UnsuitableError(f"{model.__name__} has no column {name}.", _did_you_mean(name, columns))
        if name in listing.personal:
            raise UnsuitableError(f"{name} is personal data, but everyone who can view the table sees the chart.")
        if name and isinstance(columns[name], OPAQUE):
            raise UnsuitableError(f"{name} cannot be grouped.", "Use a column of text, numbers or dates.")
    if measured and chart.kind == "histogram":
        raise UnsuitableError(f"a histogram cannot show {chart.measure}.", "Use count or share.")
    if measured:
        _check_measured(measure, measured, columns[measured])


def _check_measured(measure: str, name: str, field: models.Field[Any, Any]) -> None:
    if not isinstance(field, (*NUMBERS, models.BooleanField)):
        raise UnsuitableError(f"{name} is not a number; {measure} needs one.")
    if not MEASURES[measure] and not isinstance(field, models.BooleanField):
        raise UnsuitableError(f"{name} is not a boolean column; {measure} of a column needs one.")


def _check_weight(model: type[models.Model], weight: Weight) -> None:
    if not isinstance(_own_field(model, weight.column), NUMBERS):
        raise UnsuitableError(f"{weight.column} is not a number.", "Use a column of numbers of 0 or more.")
    if not weight.unit.strip() or weight.per < 1:
        raise UnsuitableError(f"{weight.column} has no unit or a divisor below 1.", "Name what the weights count.")


def _check_api(model: type[models.Model], name: str) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise UnsuitableError(f"{name} is not a valid part of a URL.", "Use a name such as by-birth-year.")


def _check_addresses(tables: Iterable[type[models.Model]]) -> Iterator[CheckMessage]:
    """Report tables of one dataset with the same URL."""
    tables = [model for model in tables if issubclass(model, Record | Vocabulary | MaterializedView)]
    served = {model: api_name(model) for model in tables if isinstance(listing_of(model), Listing)}
    for name, count in Counter(name for name in served.values() if name).items():
        if count > 1:
            *_, last = (model for model in served if served[model] == name)
            yield _error(last, "E009", f"another table has the same name: {name}.", "Give Listing.api another name.")


def _field_at(model: type[models.Model], path: str) -> models.Field[Any, Any]:
    """Return the field at *path*, which may follow foreign keys."""
    *references, name = path.split("__")
    for reference in references:
        field = _own_field(model, reference)
        if not field.is_relation:
            raise UnsuitableError(f"{reference} of {model.__name__} does not refer to a record of another table.")
        model = related_model(field)
    field = _own_field(model, name)
    if field.is_relation:
        raise UnsuitableError(f"{path} leads to a record, not to a value.", f"Add a field of the record: {path}__...")
    return field


def _own_field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    fields = {field.name: field for field in model._meta.concrete_fields}
    if name not in fields:
        raise UnsuitableError(f"{model.__name__} has no field {name}.", _did_you_mean(name, fields))
    return fields[name]


def _columns(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    fields = model._meta.concrete_fields
    return {name: field for field in fields for name in (field.name, field.attname)}


def _did_you_mean(name: str, known: Collection[str], otherwise: str = "") -> str:
    return suggest(name, sorted(known)).strip() or otherwise or f"Use one of {', '.join(sorted(known))}."


def _error(model: type[models.Model], number: str, message: str, hint: str | None) -> Error:
    return Error(message, hint=hint, obj=model, id=f"datasets.{number}")


def _in_list(value: Any) -> Iterable[str]:
    if isinstance(value, str) or not isinstance(value, Collection) or not all(isinstance(name, str) for name in value):
        raise TypeError
    return value


def _in_weights(value: Any) -> Iterable[Weight]:
    if not isinstance(value, Sequence) or not all(isinstance(weight, Weight) for weight in value):
        raise TypeError
    return value


def _in_mapping(value: Any) -> Iterable[str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise TypeError
    return value


def _alone(kind: type, without: tuple[bool | None, ...] = (None,)) -> Callable[[Any], Iterable[Any]]:
    def names_in(value: Any) -> Iterable[Any]:
        if value in without:
            return []
        if not isinstance(value, kind):
            raise TypeError
        return [value]

    return names_in


class Option(NamedTuple):
    """The check of an option: its number, the expected value, a function to split it, and the check of each part."""

    number: str
    expected: str
    parts_of: Callable[[Any], Iterable[Any]]
    check: Callable[[type[models.Model], Any], None]


OPTIONS = {
    "search": Option("E003", 'a list such as ["name"]', _in_list, _check_search),
    "label": Option("E004", 'a name such as "city"', _alone(str), _check_label),
    "joined": Option("E005", 'a dict such as {"education_years": "education__years"}', _in_mapping, _check_joined),
    "lists": Option("E006", 'a list such as ["members"]', _in_list, _check_list),
    "personal": Option("E007", 'a dict such as {"email": "experiments.view_email"}', _in_mapping, _check_personal),
    "chart": Option("E008", 'a chart such as Chart(x="year")', _alone(Chart), _check_chart),
    "weights": Option("E010", 'a list such as [Weight("fnlwgt", "people")]', _in_weights, _check_weight),
    "api": Option("E009", 'a name such as "by-birth-year", or False', _alone(str, (True, False)), _check_api),
}
