"""Addresses below ``/api/`` at which there is nothing."""

from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView


class NothingHere(APIView):
    """Answers whatever no other address did, as the problem that it is."""

    schema = None
    permission_classes = [AllowAny]

    def initial(self, request, *args, **kwargs):
        raise NotFound(f"There is nothing at {request.path}. See /api/ for what there is.")
