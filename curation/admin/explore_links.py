"""Links from a dataset's list in the admin to Explore, with the same filters."""

from collections.abc import Mapping

from django.db import models
from django.urls import reverse
from django.utils.http import urlencode

from datasets.records.chart_kinds import chart_kind
from datasets.records.columns import ListedColumn
from datasets.registry import served_name


def explore_address(
    model: type[models.Model], filters: Mapping[str, str], page: str = "table", column: str = "", **more: str
) -> str:
    """Return the address of a *page* of Explore about *model*, or of its *column*; "" if Explore has no such table."""
    path = served_name(model)
    if not path:
        return ""
    address = reverse(f"explore:{page}", args=[*path.split("/", 1), *([column] if column else [])])
    params = {**filters, **more}
    return f"{address}?{urlencode(params)}" if params else address


def chart_address(model: type[models.Model], filters: Mapping[str, str], column: ListedColumn) -> str:
    """Return the address of a chart of *column*, or "" if it only identifies records."""
    kind = chart_kind(model, column)
    return explore_address(model, filters, "chart", kind=kind, x=column.name) if kind else ""
