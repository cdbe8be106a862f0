"""Charts of any table: the specification, the query that computes the values, and the rendered chart.

>>> draw(Respondent, Respondent.objects.all(), Drawing("bar", x="education", colour="sex")).image("png")
"""

from explore.charts.build import draw
from explore.charts.chart_image import Picture
from explore.charts.chart_spec import ChartError, Drawing
from explore.charts.defaults import default_drawing

__all__ = ["ChartError", "Drawing", "Picture", "default_drawing", "draw"]
