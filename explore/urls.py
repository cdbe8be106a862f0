"""URL patterns of ``/explore/``."""

from django.urls import include, path, re_path

from explore import export_tab, profile_views, views

app_name = "explore"
urlpatterns = [
    path("", views.start, name="start"),
    path("<slug:dataset>/<slug:name>/", views.table, name="table"),
    path("<slug:dataset>/<slug:name>/", include("explore.charts.urls")),
    path("<slug:dataset>/<slug:name>/export/", export_tab.form, name="export"),
    path("<slug:dataset>/<slug:name>/export/file", export_tab.file, name="export-file"),
    path("<slug:dataset>/<slug:name>/columns/<str:column>/", profile_views.profile, name="profile"),
    path("<slug:dataset>/<slug:name>/columns/<str:column>/profile", profile_views.profile_part, name="profile-part"),
    re_path("(?P<path>.*)", views.nothing_here),
]
