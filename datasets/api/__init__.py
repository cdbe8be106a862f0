"""What programs read: every table and view as JSON under ``/api/<dataset>/``, a page at a time, filtered.

A dataset registers what it serves in a module of its own, called api.
"""

from django.db import models
from rest_framework import routers

from datasets.api.imports import ImportViewSet
from datasets.api.records import RecordViewSet
from datasets.api.root import Root

router = routers.DefaultRouter()
router.APIRootView = Root
router.include_format_suffixes = False  # a key may hold a dot
router.register("imports", ImportViewSet, basename="imports")


def register(model: type[models.Model], viewset: type[RecordViewSet] | None = None, path: str | None = None) -> None:
    """Serve *model* under ``/api/<dataset>/<path>/``, the path being its table's name with dashes."""
    path = path or model._meta.db_table.replace("_", "-")
    viewset = viewset or type(f"{model.__name__}ViewSet", (RecordViewSet,), {"model": model})
    router.register(f"{model._meta.app_label}/{path}", viewset, basename=f"{model._meta.app_label}-{path}")
