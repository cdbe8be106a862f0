"""Middleware for all requests: request ID, duration by route, and the URLs for machines (health, metrics)."""

import re
from collections.abc import Callable
from random import getrandbits
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from monitoring import exposition, health, log_format
from monitoring.client_ip import forget_what_a_stranger_claims, was_forwarded
from monitoring.metrics import Counter, Histogram

SECONDS = Histogram(
    "tabularium_http_request_seconds",
    "Seconds until the response; for a download, until it starts.",
    ["route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REFUSED = Counter(
    "tabularium_requests_refused",
    "Requests refused by the gunicorn worker: too slow, too large, or invalid.",
    ["status"],
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
# Machines use the address of a container: the host name and HTTPS are not checked.
FOR_MACHINES = {"/metrics": exposition.respond, "/healthz": health.alive, "/readyz": health.ready}


View = Callable[[HttpRequest], HttpResponse]


def watch(get_response: View) -> View:
    """Give each request an ID for its response and log lines, and measure it. Must be the outermost middleware."""

    def middleware(request: HttpRequest) -> HttpResponse:
        start, meta = perf_counter(), request.META
        forwarded = was_forwarded(meta)
        forget_what_a_stranger_claims(meta)
        given = meta.get("HTTP_X_REQUEST_ID", "")
        number = given if ID.fullmatch(given) else f"{getrandbits(128):032x}"
        meta[log_format.REQUEST_ID] = number
        log_format.request_id.set(number)  # until the thread's next request: a download continues after we return
        if answer := FOR_MACHINES.get(request.path_info):
            response, route = answer(request, forwarded=forwarded), request.path_info[1:]
        else:
            response = get_response(request)
            route = route_of(request)
        response["X-Request-ID"] = number
        if response.status_code in (204, 304):
            del response["Content-Length"]  # clients would interpret it as the length of the full response
        elif not response.streaming and "Content-Length" not in response:  # so that HEAD has it as well
            response["Content-Length"] = len(response.content)
        meta[log_format.ROUTE] = route
        method = request.method if request.method in METHODS else "other"
        SECONDS.labels(route, method, response.status_code).observe(perf_counter() - start)
        return response

    return middleware


def route_of(request: HttpRequest) -> str:
    """Return the name of the URL pattern of a request; the number of names is bounded."""
    match = request.resolver_match
    if match:
        return match.view_name if match.url_name else match.route or "(root)"
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"
