"""What is written above a chart: the table, the filters in words, how many records, and the date."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.apps import apps
from django.db import models

from explore.charts.labels import records_of
from explore.charts.measures import records_word


@dataclass(frozen=True)
class Figure:
    """What is seen: the table of what is drawn, and how it is drawn; *formats* say how its columns are written."""

    title: str
    columns: list[str]
    rows: list[tuple]
    spec: dict[str, Any]
    records: int
    height: int = 420
    formats: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def subtitle(model: type[models.Model], figure: Figure, filters: Sequence[str], on: date) -> list[str]:
    """Return the lines below the title."""
    dataset = apps.get_app_config(model._meta.app_label).verbose_name
    where = f"{dataset}: {records_of(model)}"
    word = records_word(model)
    if figure.records == 1:
        word = "row" if word == "rows" else str(model._meta.verbose_name)
    counted = f"{figure.records:,} {word}"
    return [
        f"{', '.join([where, *filters])}.",
        *(f"{note}." for note in figure.notes),
        f"{counted}, {on.day} {on:%B %Y}.",
    ]
