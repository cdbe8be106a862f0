"""The metrics as Prometheus reads them: of all processes of this server, and of what the database knows of imports."""

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector

from monitoring.imports import ImportsCollector
from monitoring.proxies import is_within


def respond(request: HttpRequest, forwarded: bool = False) -> HttpResponse:
    """Answer the metrics to the networks of METRICS_ALLOWED, and never by way of a proxy."""
    if forwarded or not is_within(request.META.get("REMOTE_ADDR", ""), settings.METRICS_ALLOWED):
        said = "Metrics are for the networks that METRICS_ALLOWED names, asked directly and not through a proxy.\n"
        return HttpResponse(said, status=403, content_type="text/plain; charset=utf-8")
    return HttpResponse(
        generate_latest(registry()), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def registry() -> CollectorRegistry:
    """Return what is to be told: under gunicorn, the sums of all its processes."""
    found = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(found)
    else:
        found.register(REGISTRY)
    found.register(ImportsCollector())
    return found


def serve(port: int) -> None:
    """Serve the metrics of this process, which answers no requests otherwise, on a *port* of its own.

    Raises OSError where the port is taken.
    """
    start_http_server(port, registry=registry())
