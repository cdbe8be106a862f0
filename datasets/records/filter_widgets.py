"""By what kind of boxes a list can be narrowed: for each column, values to choose from, a range, or a text to type.

The admin's filters and those of explore are drawn from these; what they set are the parameters of the filters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import models

from datasets.listing import label_field
from datasets.models import Record, Vocabulary
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.pagination import COUNTED

CHOICES = 60  # of which a reader still finds one; where there are more, a box to type into
RUNS = 12
CHOICE, NUMBER, DATE, TEXT, ANY = "choice", "number", "date", "text", "any"


@dataclass(frozen=True)
class Narrowing:
    """How a list is narrowed by *column*: a *kind*, and for a choice its *options*, each with what it is called.

    *keys* has the value that each key of a vocabulary stands for: records are counted by those, without a join.
    """

    column: ListedColumn
    title: str
    kind: str
    options: Sequence[tuple[Any, str]] = ()
    keys: dict[int, Any] | None = None

    @property
    def can_be_missing(self) -> bool:
        """Whether a record may have no value."""
        return self.column.null and not self.column.many

    @property
    def missing(self) -> str:
        """What is said where there is no value."""
        return "not by an import" if self.column.name == "changed_in_run" else "is missing"


def narrowings(model: type[models.Model], names: Sequence[str]) -> list[Narrowing]:
    """Return how *model*'s list is narrowed by the columns *names*; records also by where they came from."""
    columns = {column.name: column for column in columns_of(model)}
    if issubclass(model, Record):
        names = [*names, *(name for name in ("changed_in_run", "corrected") if name not in names)]
        columns["corrected"] = ListedColumn("corrected", "corrections", model._meta.get_field("corrections"), False, "")
    return [_narrowing(model, columns[name]) for name in names]


def title_of(model: type[models.Model], column: ListedColumn) -> str:
    """Return what *column* is called."""
    titles = {"corrected": "has corrections", "changed_in_run": "last import run"}
    own = {field.name: field.verbose_name for field in [*model._meta.concrete_fields, *model._meta.many_to_many]}
    return str(titles.get(column.name) or own.get(column.name) or column.name.replace("_", " "))


def _narrowing(model: type[models.Model], column: ListedColumn) -> Narrowing:
    title, field = title_of(model, column), column.field
    if column.name == "corrected":
        return Narrowing(column, title, CHOICE, [("true", "Yes"), ("false", "No")])
    if column.name == "changed_in_run":
        files = model._meta.get_field("changed_in").related_model
        runs = files._meta.get_field("run").related_model.objects.applied(model._meta.app_label)
        names = [(pk, f"Run {pk}, {at:%Y-%m-%d}") for pk, at in runs.values_list("pk", "started_at")[:RUNS]]
        files = files.objects.filter(run__in=[pk for pk, _ in names]).values_list("pk", "run_id")
        return Narrowing(column, title, CHOICE, names, dict(files))
    if field.choices:
        return Narrowing(column, title, CHOICE, list(field.flatchoices))
    if isinstance(field, models.BooleanField):
        return Narrowing(column, title, CHOICE, [("true", "Yes"), ("false", "No")])
    if column.path.count("__") == 1 and not column.many and issubclass(field.model, Vocabulary):
        values = field.model._default_manager.order_by(*order_of(field.model)).values_list("pk", field.name)
        keys = dict(values[: CHOICES + 1])
        if len(keys) <= CHOICES and column.name == column.path.split("__")[0]:
            return Narrowing(column, title, CHOICE, [(text, text) for text in keys.values()], keys)
    elif (options := _referred_to(model, column)) is not None:
        return Narrowing(column, title, CHOICE, options)
    kinds = [
        (models.CharField | models.TextField, TEXT),
        (models.DateField, DATE),
        (models.IntegerField | models.FloatField, NUMBER),
    ]
    kind = next((kind for fields, kind in kinds if isinstance(field, fields)), ANY)
    return Narrowing(column, title, ANY if column.many else kind)


def _referred_to(model: type[models.Model], column: ListedColumn) -> list[tuple[Any, str]] | None:
    """Return what there is to choose from where a column's texts are few; None where they are too many."""
    if column.many:
        target = column.field.related_model
        found = target._default_manager.order_by(label_field(target)).values_list("pk", label_field(target))
        options = [(pk, str(name)) for pk, name in found[: CHOICES + 1]]
    elif isinstance(column.field, models.CharField | models.TextField):
        owner, name = column.field.model, column.field.name
        texts = owner._default_manager.order_by()
        # Of a big table, what its first records have would be a part of the choices: rather none.
        if texts[: COUNTED + 1].count() > COUNTED:
            return None
        some = texts.values_list(name, flat=True).distinct().order_by(name)
        options = [(text, text) for text in some[: CHOICES + 1] if text]
    else:
        return None
    return options if len(options) <= CHOICES else None


def order_of(model: type[models.Model]) -> Sequence[str]:
    """Return how the admin's list of *model* is ordered."""
    listed = admin.site.is_registered(model) and admin.site.get_model_admin(model).ordering
    return listed or model._meta.ordering
