"""Where things are: the admin for curators, /explore/ for analysts, /api/ for programs."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.site.site_header = "Tabularium"
admin.site.site_title = "Tabularium"
admin.site.index_title = "Datasets"
admin.site.site_url = None  # it is the site

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/", include("datasets.urls")),
    path("explore/", include("explore.urls")),
]
