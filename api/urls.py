"""The URL patterns below ``/api/``."""

from django.urls import path, re_path

from api.openapi.docs import DocsView, SchemaView
from api.root import NothingHere
from api.router import router

urlpatterns = [
    *router.urls,
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    re_path("", NothingHere.as_view()),
]
