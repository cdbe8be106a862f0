"""How a chart is made: the database's figures, what they are called, and the picture of them."""

from collections.abc import Sequence
from datetime import date

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone

from datasets.records.grouping import AggregationError
from explore.charts import aggregate_charts, box_plot, scatter
from explore.charts.axes import columns_for
from explore.charts.captions import subtitle
from explore.charts.chart_image import Picture
from explore.charts.chart_spec import KINDS, ChartError, Drawing
from explore.charts.form_options import lacking

MAKERS = {
    "bar": aggregate_charts.bars,
    "line": aggregate_charts.line,
    "histogram": aggregate_charts.histogram,
    "heat": aggregate_charts.heat,
    "box": box_plot.boxes,
    "scatter": scatter.scatter,
}
OF_ADDRESSES = {"by": "x"}  # what summaries call what a drawing calls otherwise


def draw(
    model: type[models.Model],
    records: models.QuerySet,
    drawing: Drawing,
    user=None,
    filters: Sequence[str] = (),
    on: date | None = None,
) -> Picture:
    """Return the picture of *records* that *drawing* asks for; raises ChartError for what cannot be drawn.

    The database counts and measures; what comes here is a row for each thing that is seen. *user* sees no personal
    data without the permission; nobody does where it is None. *filters* tell in words how the records were narrowed,
    and *on* is the date that the picture says, by default today's.
    """
    user = user or AnonymousUser()
    if lacks := lacking(model, drawing.kind, user):
        raise ChartError("kind", lacks)
    for name, value in drawing.unused.items():
        raise ChartError(
            name, f"Expected none, for the kind “{KINDS[drawing.kind]}” has no use for it; found {value[:100]}."
        )
    if drawing.kind != "box" and not drawing.x:
        raise ChartError("x", f"Choose what is on the axis. {_choices(model, user, drawing)}")
    if drawing.kind in ("box", "heat", "scatter") and not drawing.y:
        raise ChartError("y", f"Choose what is on the other axis. {_choices(model, user, drawing)}")
    try:
        figure = MAKERS[drawing.kind](model, records, drawing, user)
    except AggregationError as error:
        raise ChartError(OF_ADDRESSES.get(error.parameter, error.parameter), str(error)) from None
    lines = subtitle(model, figure, filters, on or timezone.localdate())
    return Picture(figure.title, lines, figure.columns, figure.rows, figure.spec, figure.height, figure.formats)


def _choices(model: type[models.Model], user, drawing: Drawing) -> str:
    role = {"histogram": "number", "scatter": "number", "line": "place"}.get(drawing.kind, "group")
    names = [column.name for column in columns_for(model, user, role)]
    return f"Columns: {', '.join(names)}." if names else "This table has none that can be drawn so."
