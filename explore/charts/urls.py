"""URL patterns of the Chart tab, below those of a table."""

from django.urls import path

from explore.charts import file_views, views
from explore.charts.chart_image import FORMATS

urlpatterns = [
    path("chart/", views.chart, name="chart"),
    path("chart/figure/", views.figure, name="chart-figure"),
    path("chart.csv", file_views.data, name="chart-csv"),
    path("chart.json", file_views.specification, name="chart-json"),
    *(path(f"chart.{suffix}", file_views.image(suffix), name=f"chart-{suffix}") for suffix in FORMATS),
    path("chart.<str:suffix>", file_views.no_such_image),
]
