"""URL patterns of ``/explore/``."""

from django.urls import include, path, re_path

from explore import column_views, export_tab, views

app_name = "explore"
urlpatterns = [
    path("", views.start, name="start"),
    path("<slug:dataset>/<slug:name>/", views.table, name="table"),
    path("<slug:dataset>/<slug:name>/", include("explore.charts.urls")),
    path("<slug:dataset>/<slug:name>/export/", export_tab.form, name="export"),
    path("<slug:dataset>/<slug:name>/export/file", export_tab.file, name="export-file"),
    path("<slug:dataset>/<slug:name>/counts", views.counts, name="counts"),
    path("<slug:dataset>/<slug:name>/count", views.count, name="count"),
    path("<slug:dataset>/<slug:name>/columns/<str:column>/", column_views.profile, name="profile"),
    path("<slug:dataset>/<slug:name>/columns/<str:column>/profile", column_views.profile_part, name="profile-part"),
    path("<slug:dataset>/<slug:name>/columns/<str:column>/histogram", column_views.histogram_part, name="histogram"),
    re_path("(?P<path>.*)", views.nothing_here),
]
