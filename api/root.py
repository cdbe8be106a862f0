"""The root view ``/api/``, and the 404 response for unknown URLs below it."""

from typing import Any

from django.urls import resolve
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import APIRootView
from rest_framework.views import APIView

from api.renderers import NOWHERE
from datasets.records.query_params import InvalidParametersError
from datasets.suggestions import did_you_mean


class Root(APIRootView):
    """All lists the API offers."""

    def get_view_name(self) -> str:
        return "API"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if unknown := [name for name in request.query_params if name != "format"]:
            raise InvalidParametersError({name: ["Unknown parameter. Known parameters: format."] for name in unknown})
        return super().get(request, *args, **kwargs)


class NothingHere(APIView):
    """Returns 404 for unknown URLs below ``/api/``, and suggests the URL with a trailing slash."""

    schema = None
    permission_classes = [AllowAny]

    def get_view_name(self) -> str:
        return NOWHERE

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request, force=True)
        near = f"{request.path_info}/"
        is_near = not near.endswith("//") and getattr(resolve(near).func, "cls", None) is not NothingHere
        hint = did_you_mean(f"{request.path}/, with a slash at the end" if is_near else None)
        raise NotFound(f"{request.path} was not found.{hint} See /api/ for all lists.")
