"""Content-Security-Policy: pages load resources from this site only, and no inline scripts or styles."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from datasets.http.middleware import GetResponse

POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",  # for the small images in the admin's style sheets
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
    ]
)


def content_security_policy(get_response: GetResponse) -> GetResponse:
    """Add the policy to every response, except Django's debug pages, which use inline styles."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not (settings.DEBUG and response.status_code in (404, 500)):
            response["Content-Security-Policy"] = POLICY
        return response

    return middleware
