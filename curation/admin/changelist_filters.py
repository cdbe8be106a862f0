"""Filters of a list of records: links and forms that set the parameters of the model's FilterSet."""

from collections.abc import Collection, Iterator
from typing import Any, Protocol

from django.db import models
from django.http import HttpRequest

from datasets.records.facets import Facets
from datasets.records.filter_widgets import CHOICE, DATE, NUMBER, TEXT, FilterWidget, widgets_for


class FilteredList(Protocol):
    """A list whose filters are parameters of its URL."""

    params: dict[str, Any]

    @property
    def facets(self) -> Facets | None: ...

    def get_query_string(
        self,
        new_params: dict[str, Any] | None = None,
        remove: Collection[str] | None = None,
        remove_exactly: Collection[str] = (),
    ) -> str: ...


class ColumnFilter:
    """The filter of one column. It sets *parameters*; the admin renders it with *template*."""

    template = "curation/filter_choices.html"
    suffixes: tuple[str, ...] = ("", "__isnull")

    def __init__(self, widget: FilterWidget, data: dict[str, str]):
        self.column, self.title, self.missing = widget.column, widget.title, widget.missing
        self.widget, self.data = widget, data
        self.parameters = [self.column.name + suffix for suffix in self.suffixes]

    @property
    def active(self) -> bool:
        """Whether the filter is set."""
        return any(parameter in self.data for parameter in self.parameters)

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        """Do nothing: the FilterSet applies all filters at once."""

    def expected_parameters(self) -> list[str]:
        return self.parameters

    def choices(self, changelist: FilteredList) -> Iterator[dict[str, Any]]:
        """Yield the links: display text, query string, and whether it is selected."""
        yield self._link(changelist, "All", {}, selected=not self.active)
        for place, (value, name) in enumerate(self.options()):
            selected = self.data.get(self.column.name) == str(value)
            yield self._link(
                changelist, name, {self.column.name: value}, self.facet(changelist, value), selected=selected
            ) | {"id": f"count-{self.column.name}-{place}"}
        if self.widget.can_be_missing:
            missing = f"{self.column.name}__isnull"
            selected = self.data.get(missing) == "true"
            yield self._link(
                changelist, self.missing, {missing: "true"}, self.facet(changelist, None), selected=selected
            ) | {"odd": True, "id": f"count-{self.column.name}-missing"}

    def options(self) -> list[tuple[Any, str]]:
        """Return the choices: pairs of value and label."""
        return list(self.widget.options)

    def facet(self, changelist: FilteredList, value: Any) -> str:
        """Return the number of records with *value* for display; an empty string if facets are off."""
        return changelist.facets.display_count(self.widget, value) if changelist.facets and self.options() else ""

    def _link(
        self, changelist: FilteredList, display: str, parameters: dict[str, Any], count: str = "", *, selected: bool
    ) -> dict[str, Any]:
        address = changelist.get_query_string(parameters, remove_exactly={"p", *self.parameters})
        return {"display": display, "query_string": address, "selected": selected, "count": count}


class ChoiceFilter(ColumnFilter):
    """Links for the values of a choice field, a vocabulary, or a short list of related records."""


class FormFilter(ColumnFilter):
    """A form with inputs; hidden inputs keep the list's other parameters."""

    template = "curation/filter_form.html"
    fields: tuple[tuple[str, str, str], ...] = ()

    def __init__(self, widget: FilterWidget, data: dict[str, str]):
        self.suffixes = (*(suffix for suffix, _, _ in self.fields), "__isnull", "")
        super().__init__(widget, data)

    def choices(self, changelist: FilteredList) -> Iterator[dict[str, Any]]:
        links = list(super().choices(changelist))
        inputs = [
            {"name": self.column.name + suffix, "label": label, "kind": kind} for suffix, label, kind in self.fields
        ]
        for item in inputs:
            item["value"] = self.data.get(item["name"], "")
        others = {*self.parameters, "p", "e"}
        hidden = [(name, value) for name, value in changelist.params.items() if name not in others]
        yield {"form": True, "inputs": inputs, "hidden": hidden, "title": self.title}
        yield from links if len(links) > 1 or self.active else []


class NumberFilter(FormFilter):
    fields = (("__gte", "from", "number"), ("__lte", "to", "number"))


class DateFilter(FormFilter):
    fields = (("__gte", "from", "date"), ("__lte", "to", "date"))


class TextFilter(FormFilter):
    fields = (("__istartswith", "begins with", "text"),)


KINDS = {CHOICE: ChoiceFilter, NUMBER: NumberFilter, DATE: DateFilter, TEXT: TextFilter}


def filters_of(model: type[models.Model], names: list[str], data: dict[str, str]) -> list[ColumnFilter]:
    """Return the filters of the columns *names* of *model*; records also have filters for their origin."""
    return [KINDS.get(widget.kind, ColumnFilter)(widget, data) for widget in widgets_for(model, names)]
