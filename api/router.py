"""The routes of the API: the list of every table and view under ``/api/<dataset>/``, and the imports."""

from django.urls import URLPattern, URLResolver, include, path
from rest_framework import routers

from api.import_views import ImportViewSet
from api.root import Root
from api.viewsets import RecordViewSet, has_text_key
from datasets.registry import served_tables


class Router(routers.DefaultRouter):
    """Groups the URL patterns by dataset, so that Django tries only the patterns of the requested dataset."""

    APIRootView = Root

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the URL patterns, without format suffixes, because a key may contain a dot."""
        within: dict[str, routers.SimpleRouter] = {}
        for prefix, viewset, basename in self.registry:
            dataset, slash, name = prefix.rpartition("/")
            within.setdefault(dataset + slash, routers.SimpleRouter()).register(name, viewset, basename)
        root = path("", self.get_api_root_view(), name=self.root_view_name)
        return [root, *(path(prefix, include(router.urls)) for prefix, router in within.items())]


ANY_KEY = r"[^\x00]+"  # a text key may contain a slash

router = Router()
router.register("imports", ImportViewSet, basename="imports")


for prefix, model in served_tables().items():
    pattern = {"lookup_value_regex": ANY_KEY} if has_text_key(model) else {}
    viewset = type(f"{model.__name__}ViewSet", (RecordViewSet,), {"model": model, **pattern})
    router.register(prefix, viewset, basename=prefix.replace("/", "-"))
