"""What a browser may load for our pages: only what comes from here, and nothing written into a page."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",  # the admin's style sheets hold small pictures
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
    ]
)


def content_security_policy(get_response: Callable) -> Callable[[HttpRequest], HttpResponseBase]:
    """Send the policy with every page, but for the debug pages that Django makes under DEBUG, styled inline."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not (settings.DEBUG and response.status_code in (404, 500)):
            response["Content-Security-Policy"] = POLICY
        return response

    return middleware
