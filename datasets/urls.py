"""The addresses below ``/api/``: each dataset registers what it serves in a module of its own, called api."""

from django.urls import re_path
from django.utils.module_loading import autodiscover_modules

from datasets.api import router
from datasets.api.root import NothingHere

autodiscover_modules("api")

urlpatterns = [*router.urls, re_path("", NothingHere.as_view())]
