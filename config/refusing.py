"""Answers of gunicorn's worker to what never reaches the site: a problem document, or a page for a browser."""

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
    errors.LimitRequestLine: (414, f"The address is too long: it may have {REQUEST_LINE:,} bytes with its query."),
    errors.LimitRequestHeaders: (431, "There are too many headers, or one is too long."),
    errors.InvalidRequestLine: (
        400,
        "The request line cannot be read. An address has ASCII characters only: write others percent-encoded.",
    ),
    errors.InvalidRequestMethod: (400, "The request's method cannot be read."),
    errors.InvalidHTTPVersion: (400, "The request's version of HTTP is not known here. Use HTTP/1.1."),
    errors.UnsupportedTransferCoding: (501, "The request's Transfer-Encoding is not known here. Use chunked, or none."),
    errors.ExpectationFailed: (417, "The request's Expect header is not known here. Use 100-continue, or none."),
    errors.ForbiddenProxyRequest: (403, "The request comes from an address that may not send it."),
}
OTHER = (400, "A header of the request cannot be read, or contradicts another one.")


def reason_of(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence for an error of gunicorn's parser; 500 for any other."""
    for kind, reason in STATUSES.items():
        if isinstance(error, kind):
            return reason
    is_ours = isinstance(
        error, (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
    )
    if isinstance(error, errors.ParseException) and not is_ours:
        return OTHER
    return 500, "The fault is the site's, and is in its log."


def answer(head: bytes, status: int, sentence: str, retry: int | None = None) -> bytes:
    """Return a whole answer that ends the connection; *head* is what has arrived of the request's headers."""
    title = HTTPStatus(status).phrase
    if TARGET.match(head) or ACCEPT.search(head):
        kind = "application/problem+json"
        told = {"type": "about:blank", "title": title, "status": status, "detail": sentence}
        body = json.dumps(told, ensure_ascii=False) + "\n"
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
