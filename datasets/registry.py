"""Which tables and views there are, by the names that their addresses have: ``census/respondents``."""

from collections.abc import Iterable

from django.apps import AppConfig, apps
from django.db import models

from datasets.listing import api_name
from datasets.models import MaterializedView, Record, Vocabulary
from datasets.suggestions import closest

KINDS = (Record, MaterializedView, Vocabulary)


def served_tables() -> dict[str, type[models.Model]]:
    """Return every table and view that the API serves, by its name: of each dataset records, views, vocabularies.

    A Listing may give another name than the table's, or keep it from being served.
    """
    served = {}
    for app in apps.get_app_configs():
        tables = [model for model in app.get_models() if issubclass(model, KINDS) and not model._meta.proxy]
        for model in sorted(tables, key=kind_of):
            if name := api_name(model):
                served[f"{app.label}/{name}"] = model
    return served


def kind_of(model: type[models.Model]) -> int:
    """Return which of KINDS *model* is, by its index."""
    return next(index for index, kind in enumerate(KINDS) if issubclass(model, kind))


def nearest_name(asked: str, names: Iterable[str]) -> str | None:
    """Return the one of *names* that *asked* may have meant: one of the same table, or the most alike; or None."""
    names, table = list(names), asked.rpartition("/")[2]
    tables = {name.rpartition("/")[2]: name for name in reversed(names)}
    return tables.get(table) or closest(asked, names) or tables.get(closest(table, tables))


def dataset_apps() -> dict[str, AppConfig]:
    """Return the installed apps that are datasets, by label: those that hold records."""
    return {app.label: app for app in apps.get_app_configs() if any(issubclass(m, Record) for m in app.get_models())}
