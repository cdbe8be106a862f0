"""Metrics in the format of Prometheus: of all processes of this server, and of imports, from the database."""

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector

from monitoring.client_ip import is_within


def respond(request: HttpRequest, *, forwarded: bool = False) -> HttpResponse:
    """Return the metrics to clients in METRICS_ALLOWED; refuse requests through a proxy."""
    if forwarded or not is_within(request.META.get("REMOTE_ADDR", ""), settings.METRICS_ALLOWED):
        message = "Metrics are available only from the networks in METRICS_ALLOWED, and not through a proxy.\n"
        return HttpResponse(message, status=403, content_type="text/plain; charset=utf-8")
    return HttpResponse(
        generate_latest(registry()), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def registry() -> CollectorRegistry:
    """Return a registry with all metrics; under gunicorn, the totals of all its processes."""
    metrics = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(metrics)
    else:
        metrics.register(REGISTRY)
    for collector in settings.METRICS_COLLECTORS:
        metrics.register(import_string(collector)())
    return metrics


def serve(port: int) -> None:
    """Serve the metrics on a separate *port*, for a process that serves no other requests.

    Raises OSError if the port is in use.
    """
    start_http_server(port, registry=registry())
