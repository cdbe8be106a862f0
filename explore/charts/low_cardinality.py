"""Columns with few distinct values."""

from collections.abc import Iterable

from django.db import models
from django.db.models import Count

from datasets.records.columns import ListedColumn
from explore.charts.axes import MOST_GROUPS, PROVENANCE

SOME = 1000  # records to examine


def few_valued(model: type[models.Model], columns: Iterable[ListedColumn]) -> list[ListedColumn]:
    """Return the *columns* that divide the first records into a few groups, except provenance columns."""
    columns = [column for column in columns if column.path.split("__")[0] not in PROVENANCE]
    counts = {f"of_{place}": Count(column.path, distinct=True) for place, column in enumerate(columns)}
    some = model._default_manager.order_by("pk").values("pk", *(column.path for column in columns))[:SOME]
    totals = some.aggregate(records=Count("pk"), **counts)
    most = min(MOST_GROUPS, totals["records"] // 2)
    return [column for place, column in enumerate(columns) if 1 < totals[f"of_{place}"] <= most]
