"""The addresses below ``/api/``."""

from django.urls import path, re_path

from datasets.api import router
from datasets.api.docs import DocsView, SchemaView
from datasets.api.root import NothingHere

urlpatterns = [
    *router.urls,
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    re_path("", NothingHere.as_view()),
]
