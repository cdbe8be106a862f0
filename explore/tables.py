"""The tables and views that explore can show, and those that a user has permission to view."""

from dataclasses import dataclass

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import models
from django.urls import reverse
from django.utils.text import capfirst

from datasets.listing import description_of
from datasets.permissions import may
from datasets.records.masking import Viewer
from datasets.registry import kind_of, nearest_name, served_tables


class TableNotFoundError(Exception):
    """An address matches no table; *nearest* is the user's table with the most similar name, or None."""

    def __init__(self, name: str, nearest: "Table | None"):
        super().__init__(name)
        self.name, self.nearest = name, nearest


@dataclass(frozen=True)
class Table:
    """A table or view; *dataset* and *name* are the same as in the API's addresses."""

    model: type[models.Model]
    dataset: str
    name: str

    @property
    def path(self) -> str:
        """Its unique name, such as ``census/respondents``."""
        return f"{self.dataset}/{self.name}"

    @property
    def title(self) -> str:
        """Its title, such as ``Respondents``."""
        return capfirst(str(self.model._meta.verbose_name_plural))

    @property
    def dataset_title(self) -> str:
        """The title of its dataset."""
        return str(apps.get_app_config(self.dataset).verbose_name)

    @property
    def description(self) -> str:
        """The description of its rows, or ""."""
        return description_of(self.model)

    def address(self, tab: str = "table") -> str:
        """Return the address of one of its tabs: ``table``, ``chart`` or ``export``."""
        return reverse("explore:table", args=[self.dataset, self.name]) + ("" if tab == "table" else f"{tab}/")

    def seen_by(self, user: Viewer) -> bool:
        """Whether *user* has permission to view it."""
        return may(user, "view", self.model)


def tables_for(user: Viewer) -> list[Table]:
    """Return the tables that *user* can view: for each dataset its records, then views, then vocabularies."""
    return sorted((table for table in _all() if table.seen_by(user)), key=_place)


def table_or_refuse(user: Viewer, dataset: str, name: str) -> Table:
    """Return the table at an address; raises PermissionDenied or TableNotFoundError."""
    for table in _all():
        if (table.dataset, table.name) == (dataset, name):
            if not table.seen_by(user):
                raise PermissionDenied
            return table
    raise TableNotFoundError(f"{dataset}/{name}", nearest_table(user, f"{dataset}/{name}"))


def nearest_table(user: Viewer, path: str) -> Table | None:
    """Return the table of *user* with the name most similar to *path*, or None."""
    seen = {table.path: table for table in tables_for(user)}
    near = nearest_name(path, seen)
    return seen[near] if near else None


def _all() -> list[Table]:
    return [Table(model, *path.split("/", 1)) for path, model in served_tables().items()]


def _place(table: Table) -> tuple[str, int]:
    return table.dataset_title, kind_of(table.model)
