"""Error responses of the gunicorn worker for requests that never reach the site: a problem document or a page."""

import html
import json
import re
from http import HTTPStatus

from gunicorn.http import errors

from config.limits import REQUEST_LINE

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title} | Tabularium</title></head>
<body><h1>{title}</h1><p>{sentence}</p></body>
</html>
"""
TARGET = re.compile(rb"^(?:\r\n)?[^ \r\n]* (?:https?://[^/ ]*)?(/api/)", re.IGNORECASE)
ACCEPT = re.compile(rb"\r\naccept[ \t]*:[^\r\n]*json", re.IGNORECASE)
STATUSES: dict[type[Exception], tuple[int, str]] = {
    errors.LimitRequestLine: (414, f"The URL is too long. The request line can have at most {REQUEST_LINE:,} bytes."),
    errors.LimitRequestHeaders: (431, "There are too many headers, or a header is too long."),
    errors.InvalidRequestLine: (
        400,
        "The request line is not valid. A URL contains only ASCII characters: percent-encode others.",
    ),
    errors.InvalidRequestMethod: (400, "The request method is not valid."),
    errors.InvalidHTTPVersion: (400, "The HTTP version is not supported. Use HTTP/1.1."),
    errors.UnsupportedTransferCoding: (501, "Transfer-Encoding must be chunked or absent."),
    errors.ExpectationFailed: (417, "Expect must be 100-continue or absent."),
    errors.ForbiddenProxyRequest: (403, "Requests from this address are not allowed."),
}
OURS = (
    errors.ConfigurationProblem,
    errors.InvalidResponseHeader,  # type: ignore[attr-defined]  # the stubs describe gunicorn 26
    errors.InvalidResponseHeaderName,  # type: ignore[attr-defined]
)
OTHER = (400, "A header is not valid, or contradicts another header.")


def reason_of(error: BaseException) -> tuple[int, str]:
    """Return the status and message for an error of gunicorn's parser; 500 for any other exception."""
    for kind, reason in STATUSES.items():
        if isinstance(error, kind):
            return reason
    if isinstance(error, errors.ParseException) and not isinstance(error, OURS):
        return OTHER
    return 500, "Internal server error. The log of the site has the details."


def answer(head: bytes, status: int, sentence: str, retry: int | None = None) -> bytes:
    """Return a complete response that closes the connection; *head* is the received part of the request's headers."""
    title = HTTPStatus(status).phrase
    if TARGET.match(head) or ACCEPT.search(head):
        kind = "application/problem+json"
        problem = {"type": "about:blank", "title": title, "status": status, "detail": sentence}
        body = json.dumps(problem, ensure_ascii=False) + "\n"
    else:
        kind, body = "text/html; charset=utf-8", PAGE.format(title=title, sentence=html.escape(sentence))
    content = body.encode()
    lines = [
        f"HTTP/1.1 {status} {title}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        "Cache-Control: no-store",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *([f"Retry-After: {retry}"] if retry is not None else []),
    ]
    is_head = head.startswith(b"HEAD ")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if is_head else content)
