"""Every request: its id, its time, its route; and the three addresses that are for machines, before all else."""

import re
from collections.abc import Callable
from random import getrandbits
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from monitoring import exposition, health, logs
from monitoring.metrics import Counter, Histogram
from monitoring.proxies import forget_what_a_stranger_claims, was_forwarded

SECONDS = Histogram(
    "tabularium_http_request_seconds",
    "Seconds to an answer; of a download, to its beginning.",
    ["route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REFUSED = Counter(
    "tabularium_requests_refused",
    "Requests that never reached the site: too slow, too large, or not to be read.",
    ["status"],
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
# Machines ask by the address of a container: neither the host's name nor HTTPS is asked of them.
FOR_MACHINES = {"/metrics": exposition.respond, "/healthz": health.alive, "/readyz": health.ready}


def watch(get_response: Callable) -> Callable[[HttpRequest], HttpResponse]:
    """Give each request an id, which its answer and its lines in the log carry, and measure it. The outermost one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        start, meta = perf_counter(), request.META
        forwarded = was_forwarded(meta)
        forget_what_a_stranger_claims(meta)
        given = meta.get("HTTP_X_REQUEST_ID", "")
        number = given if ID.fullmatch(given) else f"{getrandbits(128):032x}"
        meta[logs.REQUEST_ID] = number
        logs.request_id.set(number)  # for this thread, until its next request: a download goes on after we return
        if answer := FOR_MACHINES.get(request.path_info):
            response, route = answer(request, forwarded), request.path_info[1:]
        else:
            response = get_response(request)
            route = route_of(request)
        response["X-Request-ID"] = number
        if response.status_code in (204, 304):
            del response["Content-Length"]  # it would be taken for that of the whole
        elif not response.streaming and "Content-Length" not in response:  # so that HEAD has it, too
            response["Content-Length"] = len(response.content)
        meta[logs.ROUTE] = route
        method = request.method if request.method in METHODS else "other"
        SECONDS.labels(route, method, response.status_code).observe(perf_counter() - start)
        return response

    return middleware


def route_of(request: HttpRequest) -> str:
    """Return the name of the pattern that a request's address matched: one of as many as there are patterns."""
    match = request.resolver_match
    if match:
        return match.view_name if match.url_name else match.route or "(root)"
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"
