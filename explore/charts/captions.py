"""The caption of a chart: the table, its filters, the number of records, and the date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.apps import apps
from django.db import models

from datasets.records.columns import ListedColumn
from datasets.records.filter_widgets import title_of
from explore.charts.axes import Axis
from explore.charts.intervals import FEW
from explore.charts.labels import records_of
from explore.charts.measures import counted_records, records_word

MOST_COUNTED = 12  # if there are more ordered groups, not all of them have a label with their number of records


@dataclass(frozen=True)
class Figure:
    """A chart's data as a table, and its Vega-Lite specification; *formats* are the d3 formats of the columns.

    *links* has the query string of the records of each row, or None.
    """

    title: str
    columns: list[str]
    rows: list[tuple[Any, ...]]
    spec: dict[str, Any]
    records: int
    height: int = 420
    formats: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    links: list[str | None] = field(default_factory=list)


def subtitle(model: type[models.Model], figure: Figure, filters: Sequence[str], on: date) -> list[str]:
    """Return the lines below the title."""
    dataset, table = str(apps.get_app_config(model._meta.app_label).verbose_name), records_of(model)
    where = dataset if dataset.lower() == table else f"{dataset}: {table}"
    return [
        f"{', '.join([where, *filters])}.",
        *(f"{note}." for note in figure.notes),
        f"n = {counted_records(model, figure.records)}, {on.day} {on:%B %Y}.",
    ]


def note_of_few(model: type[models.Model], counts: Sequence[int]) -> list[str]:
    """Return the note that grey marks are groups of few records, if *counts* has any."""
    return [f"Grey: fewer than {FEW} {records_word(model)} in the group"] if any(map(is_few, counts)) else []


def note_of_sizes(axis: Axis, counts: Mapping[Any, int]) -> list[str]:
    """Return the note with the smallest and the largest of many ordered groups: labels do not name all of them."""
    if not axis.ordered or len(counts) <= MOST_COUNTED:
        return []
    return [f"n per group: {min(counts.values()):,} to {max(counts.values()):,}"]


def note_of_missing(model: type[models.Model], column: ListedColumn | None, count: int) -> list[str]:
    """Return the note that *count* records have no value of *column*, if there are any."""
    if not (column and count):
        return []
    return [f"Left out: {counted_records(model, count)} without {title_of(model, column)}"]


def is_few(count: int) -> bool:
    """Whether a group is too small for a reliable value."""
    return 0 < count < FEW
