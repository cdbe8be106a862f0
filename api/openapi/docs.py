"""The API described at ``/api/schema/``, and at ``/api/docs/`` a page to read and try it, with nothing from afar."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.response import Response
from rest_framework.settings import api_settings

from datasets.records.query_params import InvalidParametersError


class SchemaView(SpectacularAPIView):
    """The description, as YAML or JSON."""

    schema = None
    permission_classes = api_settings.DEFAULT_PERMISSION_CLASSES
    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer2, OpenApiYamlRenderer]

    def get(self, request) -> Response:
        _only(request, "format")
        return Response(_description(settings.API_ANONYMOUS_READ))


class DocsView(SpectacularSwaggerSplitView):
    """The page, whose script comes from an address of its own."""

    schema = None
    permission_classes = api_settings.DEFAULT_PERMISSION_CLASSES
    title = "The API of Tabularium"
    template_name = "api/docs.html"

    def get(self, request) -> Response:
        _only(request, "script")
        return super().get(request)


@lru_cache(maxsize=2)
def _description(anonymous: bool) -> dict[str, Any]:
    """Return the description, which is the same for everybody; *anonymous* readers are said to be let in, or not."""
    return SchemaGenerator().get_schema(request=None, public=True)


def _only(request, *known: str) -> None:
    unknown = {
        name: [f"Unknown parameter. Known ones: {', '.join(known)}."] for name in request.GET if name not in known
    }
    if unknown:
        raise InvalidParametersError(unknown)
