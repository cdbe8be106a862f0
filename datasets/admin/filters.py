"""The filters beside a list of records: links and small forms that set the parameters of the model's FilterSet."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.db import models

from datasets.listing import ListedColumn, columns_of, label_field
from datasets.models import ImportRun, Lookup, Record, SourceFile
from datasets.paging import COUNTED

CHOICES = 60  # of which a reader still finds one; where there are more, a box to type into
RUNS = 12


class ColumnFilter:
    """One column's filter: *parameters* are those it sets; the admin draws it by *template*."""

    template = "admin/datasets/filter_choices.html"
    suffixes: tuple[str, ...] = ("", "__isnull")

    def __init__(self, column: ListedColumn, data: dict[str, str], title: str):
        self.column, self.data, self.title = column, data, title
        self.parameters = [column.name + suffix for suffix in self.suffixes]

    @property
    def active(self) -> bool:
        """Whether the list is narrowed by it."""
        return any(parameter in self.data for parameter in self.parameters)

    def queryset(self, request, queryset) -> None:
        """Leave *queryset* alone: the list is narrowed by the FilterSet, all at once."""

    def expected_parameters(self) -> list[str]:
        return self.parameters

    def choices(self, changelist) -> Iterator[dict[str, Any]]:
        """Yield links; what each is called, where it leads, and whether the reader is there."""
        yield self._link(changelist, "All", {}, selected=not self.active)
        for value, name in self.options():
            selected = self.data.get(self.column.name) == str(value)
            yield self._link(changelist, name, {self.column.name: value}, selected, self.facet(changelist, value))
        if self.column.null and not self.column.many:
            missing = f"{self.column.name}__isnull"
            selected = self.data.get(missing) == "true"
            yield self._link(changelist, self.missing, {missing: "true"}, selected, self.facet(changelist, None)) | {
                "odd": True
            }

    missing = "is missing"

    def options(self) -> list[tuple[Any, str]]:
        """Return the values to choose from, each with what it is called."""
        return []

    def facet(self, changelist, value) -> str:
        """Return how many records have *value*, as it is told; nothing where nobody asked."""
        return changelist.facets.told(self, value) if changelist.facets and self.options() else ""

    def _link(self, changelist, display: str, parameters: dict, selected: bool, count: str = "") -> dict:
        address = changelist.get_query_string(parameters, remove_exactly={"p", *self.parameters})
        return {"display": display, "query_string": address, "selected": selected, "count": count}


class ChoiceFilter(ColumnFilter):
    """Values to choose from: of a choice, a vocabulary, a short list of things referred to.

    *keys* has the value that each key of a vocabulary stands for: records are counted by those, without a join.
    """

    def __init__(
        self,
        column: ListedColumn,
        data: dict[str, str],
        title: str,
        options: list[tuple[Any, str]],
        keys: dict[int, Any] | None = None,
    ):
        super().__init__(column, data, title)
        self._options, self.keys = options, keys

    def options(self):
        return self._options


class RunFilter(ChoiceFilter):
    """The last runs of the dataset."""

    missing = "not by an import"


class FormFilter(ColumnFilter):
    """Boxes to type into, sent as a form: it keeps the list's other parameters as hidden fields."""

    template = "admin/datasets/filter_form.html"
    fields: tuple[tuple[str, str, str], ...] = ()

    def __init__(self, column: ListedColumn, data: dict[str, str], title: str):
        self.suffixes = tuple(suffix for suffix, _, _ in self.fields) + ("__isnull", "")
        super().__init__(column, data, title)

    def choices(self, changelist):
        links = list(super().choices(changelist))
        boxes = [
            {"name": self.column.name + suffix, "label": label, "kind": kind} for suffix, label, kind in self.fields
        ]
        for box in boxes:
            box["value"] = self.data.get(box["name"], "")
        others = {*self.parameters, "p", "e"}
        kept = [(name, value) for name, value in changelist.params.items() if name not in others]
        yield {"form": True, "boxes": boxes, "kept": kept, "title": self.title}
        yield from links if len(links) > 1 or self.active else []


class NumberFilter(FormFilter):
    fields = (("__gte", "from", "number"), ("__lte", "to", "number"))


class DateFilter(FormFilter):
    fields = (("__gte", "from", "date"), ("__lte", "to", "date"))


class TextFilter(FormFilter):
    fields = (("__istartswith", "begins with", "text"),)


def filters_of(model: type[models.Model], names: list[str], data: dict[str, str]) -> list[ColumnFilter]:
    """Return the filters of the columns *names* of *model*; records also have those of where they came from."""
    if issubclass(model, Record):
        names = [*names, *(name for name in ("changed_in_run", "corrected") if name not in names)]
    columns = {column.name: column for column in columns_of(model)}
    if issubclass(model, Record):
        corrections = model._meta.get_field("corrections")
        columns["corrected"] = ListedColumn("corrected", "corrections", corrections, False, "")
    return [_filter_of(model, columns[name], data) for name in names]


def _filter_of(model: type[models.Model], column: ListedColumn, data: dict[str, str]) -> ColumnFilter:
    title = _title(model, column)
    if column.name == "corrected":
        return ChoiceFilter(column, data, title, [("true", "Yes"), ("false", "No")])
    if column.name == "changed_in_run":
        runs = ImportRun.objects.landed(model._meta.app_label).values_list("pk", "started_at")[:RUNS]
        names = [(pk, f"Run {pk}, {at:%-d %b %Y}") for pk, at in runs]
        files = SourceFile.objects.filter(run__in=[pk for pk, _ in names]).values_list("pk", "run_id")
        return RunFilter(column, data, title, names, dict(files))
    field = column.field
    if field.choices:
        return ChoiceFilter(column, data, title, list(field.flatchoices))
    if isinstance(field, models.BooleanField):
        return ChoiceFilter(column, data, title, [("true", "Yes"), ("false", "No")])
    if column.path.count("__") == 1 and not column.many and issubclass(field.model, Lookup):
        values = field.model._default_manager.order_by(*_order(field.model)).values_list("pk", field.name)
        keys = dict(values[: CHOICES + 1])
        if len(keys) <= CHOICES and column.name == column.path.split("__")[0]:
            return ChoiceFilter(column, data, title, [(text, text) for text in keys.values()], keys)
        return TextFilter(column, data, title)
    options = _referred_to(model, column)
    if options is not None:
        return ChoiceFilter(column, data, title, options)
    if column.many or isinstance(field, models.CharField | models.TextField):
        return TextFilter(column, data, title) if not column.many else ColumnFilter(column, data, title)
    kinds = [(models.DateField, DateFilter), (models.IntegerField | models.FloatField, NumberFilter)]
    return next(filter_kind for kind, filter_kind in kinds if isinstance(field, kind))(column, data, title)


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


def _order(model: type[models.Model]) -> Sequence[str]:
    """Return how the admin's list of *model* is ordered."""
    listed = admin.site.is_registered(model) and admin.site.get_model_admin(model).ordering
    return listed or model._meta.ordering


def _title(model: type[models.Model], column: ListedColumn) -> str:
    titles = {"corrected": "has corrections", "changed_in_run": "last import run"}
    own = {field.name: field.verbose_name for field in [*model._meta.concrete_fields, *model._meta.many_to_many]}
    return str(titles.get(column.name) or own.get(column.name) or column.name.replace("_", " "))
