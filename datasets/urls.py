"""The addresses below ``/api/``: each dataset registers what it serves in a module of its own, called api."""

from django.urls import path, re_path
from django.utils.module_loading import autodiscover_modules

from datasets.api import router
from datasets.api.docs import DocsView, SchemaView
from datasets.api.root import NothingHere

autodiscover_modules("api")

urlpatterns = [
    *router.urls,
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    re_path("", NothingHere.as_view()),
]
