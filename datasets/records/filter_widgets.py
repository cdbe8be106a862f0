"""The filter widget of each column: a choice, a range or a text field.

The admin and Explore render these widgets, which set the parameters of filters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.db.models.expressions import Combinable
from django.urls import get_resolver

from datasets.fields import field_of, related_model
from datasets.listing import label_field
from datasets.models import Record, Vocabulary
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.pagination import COUNTED

CHOICES = 60  # maximum number of options; a column with more values gets a text field
RUNS = 12  # number of recent import runs to list as options
CHOICE, NUMBER, DATE, TEXT, ANY = "choice", "number", "date", "text", "any"


@dataclass(frozen=True)
class FilterWidget:
    """The filter widget of *column*, with its *kind*, and for a choice its *options* as (value, label).

    *keys* maps the keys of a vocabulary to its terms, because records are counted by key, without a join.
    """

    column: ListedColumn
    title: str
    kind: str
    options: Sequence[tuple[Any, str]] = ()
    keys: dict[int, Any] | None = None

    @property
    def can_be_missing(self) -> bool:
        """Whether the value can be missing."""
        return self.column.null and not self.column.many

    @property
    def missing(self) -> str:
        """The label of the option for missing values."""
        return "not imported" if self.column.name == "changed_in_run" else "(empty)"


def widgets_for(model: type[models.Model], names: Sequence[str]) -> list[FilterWidget]:
    """Return the filter widgets of *model*'s columns *names*.

    Records also have widgets for their import run and corrections.
    """
    columns = {column.name: column for column in columns_of(model)}
    if issubclass(model, Record):
        names = [*names, *(name for name in ("changed_in_run", "corrected") if name not in names)]
        columns["corrected"] = ListedColumn(
            "corrected", "corrections", field_of(model, "corrections"), null=False, help_text=""
        )
    return [_widget(model, columns[name]) for name in names]


def title_of(model: type[models.Model], column: ListedColumn) -> str:
    """Return the label of *column*."""
    titles = {"corrected": "has corrections", "changed_in_run": "last import run"}
    own = {field.name: field.verbose_name for field in [*model._meta.concrete_fields, *model._meta.many_to_many]}
    return str(titles.get(column.name) or own.get(column.name) or column.name.replace("_", " "))


def _widget(model: type[models.Model], column: ListedColumn) -> FilterWidget:
    title, field = title_of(model, column), column.field
    if column.name == "corrected":
        return FilterWidget(column, title, CHOICE, [("true", "Yes"), ("false", "No")])
    if column.name == "changed_in_run":
        runs = apps.get_model("imports", "ImportRun").objects.applied(model._meta.app_label)
        names = [(pk, f"Run {pk}, {at:%Y-%m-%d}") for pk, at in runs.values_list("pk", "started_at")[:RUNS]]
        files = apps.get_model("imports", "SourceFile").objects.filter(run__in=[pk for pk, _ in names])
        return FilterWidget(column, title, CHOICE, names, dict(files.values_list("pk", "run_id")))
    if field.choices:
        return FilterWidget(column, title, CHOICE, list(field.flatchoices))
    if isinstance(field, models.BooleanField):
        return FilterWidget(column, title, CHOICE, [("true", "Yes"), ("false", "No")])
    if column.path.count("__") == 1 and not column.many and issubclass(field.model, Vocabulary):
        values = field.model._default_manager.order_by(*order_of(field.model)).values_list("pk", field.name)
        keys = dict(values[: CHOICES + 1])
        if len(keys) <= CHOICES and column.name == column.path.split("__")[0]:
            return FilterWidget(column, title, CHOICE, [(text, text) for text in keys.values()], keys)
    elif (options := _referred_to(model, column)) is not None:
        return FilterWidget(column, title, CHOICE, options)
    kinds = [
        (models.CharField | models.TextField, TEXT),
        (models.DateField, DATE),
        (models.IntegerField | models.FloatField, NUMBER),
    ]
    kind = next((kind for fields, kind in kinds if isinstance(field, fields)), ANY)
    return FilterWidget(column, title, ANY if column.many else kind)


def _referred_to(model: type[models.Model], column: ListedColumn) -> list[tuple[Any, str]] | None:
    """Return the options of a text or many-to-many column, or None if there are too many."""
    if column.many:
        target = related_model(column.field)
        labels = target._default_manager.order_by(label_field(target)).values_list("pk", label_field(target))
        options = [(pk, str(label)) for pk, label in labels[: CHOICES + 1]]
    elif isinstance(column.field, models.CharField | models.TextField):
        owner, name = column.field.model, column.field.name
        texts = owner._default_manager.order_by()
        # In a large table, the first records would not contain all options.
        if texts[: COUNTED + 1].count() > COUNTED:
            return None
        values = texts.values_list(name, flat=True).distinct().order_by(name)
        options = [(text, text) for text in values[: CHOICES + 1] if text]
    else:
        return None
    return options if len(options) <= CHOICES else None


def order_of(model: type[models.Model]) -> Sequence[str | Combinable]:
    """Return the ordering of the admin's list of *model*."""
    get_resolver().url_patterns  # noqa: B018 - loads the URL configuration, which registers the admins
    ordering = admin.site.get_model_admin(model).ordering if admin.site.is_registered(model) else None
    return ordering or model._meta.ordering or ()
