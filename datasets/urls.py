"""The addresses below ``/api/``: each dataset registers what it serves in a module of its own, called api."""

from django.utils.module_loading import autodiscover_modules

from datasets.api import router

autodiscover_modules("api")

urlpatterns = router.urls
