"""The registry of tables and views, by their names in URLs such as ``census/respondents``."""

from collections.abc import Iterable
from functools import cache

from django.apps import AppConfig, apps
from django.db import models

from datasets.listing import api_name
from datasets.models import MaterializedView, Record, Vocabulary
from datasets.suggestions import closest

KINDS = (Record, MaterializedView, Vocabulary)
TITLES = {Record: "Tables", Vocabulary: "Vocabularies", MaterializedView: "Summary tables"}  # in the order of pages


def served_tables() -> dict[str, type[models.Model]]:
    """Return every table and view that the API serves, by name.

    Each dataset's records come first, then its views, and then its vocabularies. A model's Listing can change its name
    or exclude it.
    """
    served: dict[str, type[models.Model]] = {}
    for app in apps.get_app_configs():
        tables = [model for model in app.get_models() if issubclass(model, KINDS) and not model._meta.proxy]
        for model in sorted(tables, key=kind_of):
            if name := api_name(model):
                served[f"{app.label}/{name}"] = model
    return served


@cache
def served_name(model: type[models.Model]) -> str:
    """Return the name of *model* in served_tables(), or "" if the API does not serve it."""
    return next((name for name, served in served_tables().items() if served is model), "")


def kind_of(model: type[models.Model]) -> int:
    """Return the index in KINDS of *model*'s base class."""
    return next(index for index, kind in enumerate(KINDS) if issubclass(model, kind))


def main_model(tables: Iterable[type[models.Model]]) -> type[models.Model]:
    """Return the one of *tables* with the most columns, which is usually the main one of its dataset."""
    return max(tables, key=lambda model: len(model._meta.concrete_fields))


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the name in *names* to suggest for the unknown *name*, or None.

    A table with the same name in another dataset is preferred.
    """
    names, table = list(names), name.rpartition("/")[2]
    tables = {known.rpartition("/")[2]: known for known in reversed(names)}
    return tables.get(table) or closest(name, names) or tables.get(closest(table, tables) or "")


def dataset_apps() -> dict[str, AppConfig]:
    """Return the installed apps that are datasets, by label. A dataset is an app with Record models."""
    return {app.label: app for app in apps.get_app_configs() if any(issubclass(m, Record) for m in app.get_models())}
