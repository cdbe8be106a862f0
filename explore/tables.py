"""The tables and views that can be explored, and which of them a person may see."""

from dataclasses import dataclass

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import models
from django.urls import reverse

from datasets.registry import kind_of, nearest_name, served_tables


class TableNotFoundError(Exception):
    """An address that leads to no table; *nearest* is one that the person may see, if any is near."""

    def __init__(self, name: str, nearest: "Table | None"):
        super().__init__(name)
        self.name, self.nearest = name, nearest


@dataclass(frozen=True)
class Table:
    """A table or view as its address names it: *dataset* and *name* are those of the API."""

    model: type[models.Model]
    dataset: str
    name: str

    @property
    def path(self) -> str:
        """Its name among all: ``census/respondents``."""
        return f"{self.dataset}/{self.name}"

    @property
    def title(self) -> str:
        """What it is called: ``Respondents``."""
        title = str(self.model._meta.verbose_name_plural)
        return title[:1].upper() + title[1:]

    @property
    def dataset_title(self) -> str:
        """What its dataset is called."""
        return str(apps.get_app_config(self.dataset).verbose_name)

    def address(self, tab: str = "table") -> str:
        """Return where one of its tabs is: ``table``, ``chart`` or ``export``."""
        return reverse("explore:table", args=[self.dataset, self.name]) + ("" if tab == "table" else f"{tab}/")

    def seen_by(self, user) -> bool:
        """Whether *user* may view it."""
        return user.has_perm(f"{self.model._meta.app_label}.view_{self.model._meta.model_name}")


def tables_for(user) -> list[Table]:
    """Return the tables that *user* may see: each dataset's records, then its views, then its vocabularies."""
    return sorted((table for table in _all() if table.seen_by(user)), key=_place)


def table_or_refuse(user, dataset: str, name: str) -> Table:
    """Return the table at an address; raises PermissionDenied, and TableNotFoundError where there is none."""
    for table in _all():
        if (table.dataset, table.name) == (dataset, name):
            if not table.seen_by(user):
                raise PermissionDenied
            return table
    raise TableNotFoundError(f"{dataset}/{name}", nearest_table(user, f"{dataset}/{name}"))


def nearest_table(user, path: str) -> Table | None:
    """Return the table that *user* may see whose name is most like *path*; None where none is."""
    seen = {table.path: table for table in tables_for(user)}
    near = nearest_name(path, seen)
    return seen[near] if near else None


def _all() -> list[Table]:
    return [Table(model, *path.split("/", 1)) for path, model in served_tables().items()]


def _place(table: Table) -> tuple:
    return table.dataset_title, kind_of(table.model)
