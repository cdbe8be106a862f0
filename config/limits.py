"""Limits of requests, shared by the site and the gunicorn worker. Sizes are in bytes, times in seconds."""

from config.environment import number

# The URLs that accept uploads. At all other URLs, BODY_LIMIT applies.
UPLOAD_ADDRESSES = frozenset({"/api/imports/", "/admin/datasets/importrun/import/"})
BODY_LIMIT = number("BODY_LIMIT", default=2**20)
REQUEST_LINE = 8190
HEADERS = 2**16  # all headers together

HEADER_SECONDS = number("HEADER_SECONDS", default=10) or 1
BODY_SECONDS = number("BODY_SECONDS", default=10) or 1
# Minimum speed of an upload: after UPLOAD_GRACE seconds, an average of UPLOAD_RATE bytes per second.
UPLOAD_GRACE = number("UPLOAD_GRACE", default=10) or 1
UPLOAD_RATE = number("UPLOAD_RATE", default=1000) or 1
UPLOAD_SECONDS = number("UPLOAD_SECONDS", default=2 * 60 * 60) or 1
SEND_SECONDS = number("SEND_SECONDS", default=60) or 1  # maximum wait for a client that stops reading


def is_upload(method: str, path: str) -> bool:
    """Return whether a request may contain files."""
    return method == "POST" and path in UPLOAD_ADDRESSES
