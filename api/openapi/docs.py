"""Views for the OpenAPI document (``/api/schema/``) and the Swagger page (``/api/docs/``), whose assets are local."""

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
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from datasets.records.query_params import InvalidParametersError


class SchemaView(SpectacularAPIView):
    """The OpenAPI document as YAML or JSON."""

    schema = None
    permission_classes = APIView.permission_classes
    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer2, OpenApiYamlRenderer]

    def get(self, request: Request) -> Response:
        _only(request, "format")
        return Response(_description(anonymous=settings.API_ANONYMOUS_READ))


class DocsView(SpectacularSwaggerSplitView):
    """The Swagger page. Its script has a separate URL, because the Content Security Policy forbids inline scripts."""

    schema = None
    permission_classes = APIView.permission_classes
    title = "The API of Tabularium"
    template_name = "api/docs.html"

    def get(self, request: Request) -> Response:
        _only(request, "script")
        return super().get(request)  # type: ignore[no-untyped-call]  # the library's method is untyped


@lru_cache(maxsize=2)
def _description(*, anonymous: bool) -> dict[str, Any]:
    """Return the OpenAPI document, which is the same for every user.

    It depends on *anonymous*, as does the cache key.
    """
    return SchemaGenerator().get_schema(request=None, public=True)


def _only(request: Request, *known: str) -> None:
    unknown = {
        name: [f"Unknown parameter. Known parameters: {', '.join(known)}."] for name in request.GET if name not in known
    }
    if unknown:
        raise InvalidParametersError(unknown)
