"""The cards of the datasets, and the tables on the page of a dataset."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.apps import AppConfig
from django.db import models
from django.db.models import Max
from django.utils.text import capfirst

from curation.dashboard.addresses import chart_of_table, list_of
from curation.dashboard.bar_chart import BarChart, bar_chart
from datasets.listing import description_of
from datasets.matviews import ViewState, states, views_of
from datasets.models import Record
from datasets.permissions import may
from datasets.records.masking import Viewer
from datasets.records.pagination import displayed_count
from datasets.registry import TITLES, dataset_apps, main_model
from imports.models import ImportRun


@dataclass(frozen=True)
class Table:
    """A table of a dataset. A summary table has a state instead of a count."""

    name: str
    description: str
    address: str
    count: str = ""
    summary: ViewState | None = None


@dataclass(frozen=True)
class Card:
    """A dataset on the dashboard: its tables, last applied import and chart. *links* are labels and addresses."""

    name: str
    label: str
    tables: list[Table]
    applied: ImportRun | None
    chart: BarChart | None
    links: list[tuple[str, str]]


def visible_models(user: Viewer) -> dict[AppConfig, list[type[models.Model]]]:
    """Return the datasets of which *user* may view a table, with these tables."""
    seen = {app: [model for model in app.get_models() if may(user, "view", model)] for app in dataset_apps().values()}
    return {app: found for app, found in seen.items() if found}


def last_applied(datasets: list[str]) -> dict[str, int]:
    """Return the key of the last applied run of each of *datasets*, with one query."""
    runs = ImportRun.objects.filter(dataset__in=datasets, status=ImportRun.Status.APPLIED).order_by()
    return dict(runs.values("dataset").annotate(last=Max("pk")).values_list("dataset", "last"))


def cards_of(visible: Mapping[AppConfig, list[type[models.Model]]], applied: Mapping[str, ImportRun]) -> Iterator[Card]:
    """Yield a card for each dataset, with its *visible* tables."""
    known = states(*(app.label for app in visible))
    for app, found in visible.items():
        records = [model for model in found if issubclass(model, Record)]
        views = [view for view in views_of(app.label) if view in found]
        charts = (bar_chart(view, known[view]) for view in views)
        yield Card(
            str(app.verbose_name),
            app.label,
            [_counted(model) for model in records],
            applied.get(app.label),
            next((chart for chart in charts if chart), None),
            list(_links(records)),
        )


def tables_of(app: AppConfig, found: list[type[models.Model]]) -> list[tuple[str, list[Table]]]:
    """Return the tables of a dataset by kind: records, vocabularies and summary tables."""
    known = states(app.label)
    groups = {title: [model for model in found if issubclass(model, kind)] for kind, title in TITLES.items()}
    return [
        (title, [_stated(model, known[model]) if model in known else _counted(model) for model in group])
        for title, group in groups.items()
        if group
    ]


def _links(records: Sequence[type[models.Model]]) -> Iterator[tuple[str, str]]:
    """Yield the links to the main table."""
    if records:
        main = main_model(records)
        yield from ((title, at) for title, at in (("Table", list_of(main)), ("Chart", chart_of_table(main))) if at)


def _counted(model: type[models.Model]) -> Table:
    return Table(_title(model), description_of(model), list_of(model), displayed_count(model))


def _stated(model: type[models.Model], summary: ViewState) -> Table:
    return Table(_title(model), description_of(model), list_of(model), summary=summary)


def _title(model: type[models.Model]) -> str:
    return capfirst(str(model._meta.verbose_name_plural))
