"""Build a chart: check the specification, query the database, and return the picture."""

from collections.abc import Mapping, Sequence
from datetime import date

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone

from datasets.records.grouping import AggregationError
from datasets.records.masking import Viewer
from explore.charts import aggregate_charts, box_plot, scatter
from explore.charts.axes import columns_for
from explore.charts.captions import subtitle
from explore.charts.chart_image import Picture
from explore.charts.chart_spec import KINDS, ChartError, Drawing
from explore.charts.form_options import lacking
from explore.charts.selection import Selection

MAKERS = {
    "bar": aggregate_charts.bars,
    "line": aggregate_charts.line,
    "histogram": aggregate_charts.histogram,
    "heat": aggregate_charts.heat,
    "box": box_plot.boxes,
    "scatter": scatter.scatter,
}
OF_ADDRESSES = {"by": "x"}  # parameters of a summary, and their names in a drawing


def draw(
    model: type[models.Model],
    records: models.QuerySet,
    drawing: Drawing,
    user: Viewer | None = None,
    filters: Sequence[str] = (),
    on: date | None = None,
    parameters: Mapping[str, str] | None = None,
    address: str = "",
) -> Picture:
    """Return the chart of *records* that *drawing* specifies; raises ChartError if it cannot be drawn.

    The database aggregates the records and returns a row for each mark of the chart. Personal data need a *user* with
    the permission to see them. *filters* describe the filters of the records, and *on* is the date in the caption, by
    default today. *parameters* are the same filters in the URL of the records' list: groups have the order in which a
    filter lists them. Each mark links to its records in the list at *address*, if it is set.
    """
    user = user or AnonymousUser()
    selection = Selection(model, records, user, parameters or {}, address)
    if lacks := lacking(model, drawing.kind, user):
        raise ChartError("kind", lacks)
    for name, value in drawing.unused.items():
        raise ChartError(name, f"“{KINDS[drawing.kind]}” does not use this parameter (found {value[:100]}). Remove it.")
    if drawing.kind != "box" and not drawing.x:
        raise ChartError("x", f"Choose a column for the axis. {_choices(model, user, drawing)}")
    if drawing.kind in ("box", "heat", "scatter") and not drawing.y:
        raise ChartError("y", f"Choose a column for the other axis. {_choices(model, user, drawing)}")
    try:
        figure = MAKERS[drawing.kind](selection, drawing)
    except AggregationError as error:
        raise ChartError(OF_ADDRESSES.get(error.parameter, error.parameter), str(error)) from None
    lines = subtitle(model, figure, filters, on or timezone.localdate())
    return Picture(
        drawing.title or figure.title, lines, figure.columns, figure.rows, figure.spec, figure.height, figure.formats,
        figure.links,
    )  # fmt: skip


def _choices(model: type[models.Model], user: Viewer, drawing: Drawing) -> str:
    role = {"histogram": "number", "scatter": "number", "line": "place"}.get(drawing.kind, "group")
    names = [column.name for column in columns_for(model, user, role)]
    return f"Columns: {', '.join(names)}." if names else "This table has no suitable column."
