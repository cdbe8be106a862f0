"""The default chart of a table."""

from dataclasses import asdict

from django.db import models

from datasets.listing import chart_of, listing_of
from datasets.models import MaterializedView, Vocabulary
from datasets.records.masking import Viewer
from explore.charts.axes import PROVENANCE, columns_for
from explore.charts.chart_spec import Drawing
from explore.charts.low_cardinality import few_valued


def default_drawing(model: type[models.Model], user: Viewer) -> Drawing:
    """Return the default drawing of *model*: the declared one, or else records by date, by group or by number.

    A model declares its chart in its Listing; a summary table without one has the chart of the dashboard. The drawing
    has no column if no column makes groups, as in a vocabulary.
    """
    if listing_of(model).chart or issubclass(model, MaterializedView):
        return Drawing(**asdict(chart_of(model)))
    if issubclass(model, Vocabulary):
        return Drawing("bar")
    groups = [column for column in columns_for(model, user, "group") if column.path.split("__")[0] not in PROVENANCE]
    for column in groups:
        if isinstance(column.field, models.DateField):
            return Drawing("line", x=column.name)
    for column in groups:
        named = column.field.choices or issubclass(column.field.model, Vocabulary)
        if named or isinstance(column.field, models.BooleanField):
            return Drawing("bar", x=column.name)
    for column in columns_for(model, user, "number"):
        return Drawing("histogram", x=column.name)
    for column in few_valued(model, groups):
        return Drawing("bar", x=column.name)
    return Drawing("bar")
