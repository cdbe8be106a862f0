"""The facts that a workbook contains about itself: its table, filters, day, version and source."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.apps import apps
from django.db import models
from django.utils.text import capfirst

from datasets.versions import versions_behind
from exports.file_names import day_of


@dataclass(frozen=True)
class About:
    """The table of a file, the *filters* of its records, and the *day* and *version* of its data.

    *version* changes with every change to the data (see datasets.versions). *source* is the URL or the command.
    """

    dataset: str
    table: str
    filters: tuple[str, ...]
    day: date
    version: str
    source: str

    @classmethod
    def of(cls, model: type[models.Model], filters: Mapping[str, str], source: str) -> "About":
        """Return the facts about a file of the records of *model* that match *filters*."""
        return cls(
            str(apps.get_app_config(model._meta.app_label).verbose_name),
            capfirst(str(model._meta.verbose_name_plural)),
            tuple(f"{name}={value}" for name, value in filters.items()),
            day_of(model),
            versions_behind(model),
            source,
        )

    def rows(self) -> list[tuple[str, str | date]]:
        """Return the facts in pairs of a name and a value."""
        return [
            ("Dataset", self.dataset),
            ("Table", self.table),
            *(("Filter", text) for text in self.filters or ("none",)),
            ("Day", self.day),
            ("Version of the data", self.version),
            ("Source", self.source or "not stated"),
        ]
