"""URL patterns of the Chart tab, below those of a table."""

from django.urls import path

from explore.charts import views
from explore.charts.chart_image import FORMATS

urlpatterns = [
    path("chart/", views.chart, name="chart"),
    path("chart.csv", views.data, name="chart-csv"),
    path("chart.json", views.specification, name="chart-json"),
    *(path(f"chart.{suffix}", views.image(suffix), name=f"chart-{suffix}") for suffix in FORMATS),
    path("chart.<str:suffix>", views.no_such_image),
]
