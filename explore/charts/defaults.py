"""The chart that a table is shown by before anything is chosen."""

from django.db import models

from datasets.front_page import chart_of
from datasets.models import Lookup, MaterializedView
from explore.charts.axes import PROVENANCE, columns_for
from explore.charts.drawing import Drawing
from explore.charts.few import few_valued


def default_drawing(model: type[models.Model], user) -> Drawing:
    """Return the first drawing of *model*: what it says itself, or else records by date, by group or by number.

    A model may say ``first_chart = {"kind": "bar", "x": "year"}``, in the words of a Drawing. Of a view that does not,
    it is what the front page shows: ``chart = (column, measured column or None, column of the order)``. The drawing is
    of no column where none makes groups: of a vocabulary, or where each record has a name of its own.
    """
    if said := getattr(model, "first_chart", None):
        return Drawing(**said)
    if issubclass(model, MaterializedView):
        return _of_front_page(model)
    if issubclass(model, Lookup):
        return Drawing("bar")
    groups = [column for column in columns_for(model, user, "group") if column.path.split("__")[0] not in PROVENANCE]
    for column in groups:
        if isinstance(column.field, models.DateField):
            return Drawing("line", x=column.name)
    for column in groups:
        named = column.field.choices or issubclass(column.field.model, Lookup)
        if named or isinstance(column.field, models.BooleanField):
            return Drawing("bar", x=column.name)
    for column in columns_for(model, user, "number"):
        return Drawing("histogram", x=column.name)
    for column in few_valued(model, groups):
        return Drawing("bar", x=column.name)
    return Drawing("bar")


def _of_front_page(model: type[models.Model]) -> Drawing:
    x, value, order = chart_of(model)
    measure = "count"
    if value:
        measure = f"{'mean' if isinstance(model._meta.get_field(value), models.FloatField) else 'sum'}:{value}"
    return Drawing("bar", x=x, measure=measure, sort="" if order == x else "-value" if order == f"-{value}" else order)
