"""URL patterns of the Chart tab, below those of a table."""

from django.urls import path

from explore.charts import views
from explore.charts.chart_image import FORMATS

urlpatterns = [
    path("chart/", views.chart, name="chart"),
    path("chart.json", views.specification, name="chart-json"),
    *(path(f"chart.{format}", views.image(format), name=f"chart-{format}") for format in FORMATS),
    path("chart.<str:format>", views.no_such_image),
]
