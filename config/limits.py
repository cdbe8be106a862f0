"""Limits of requests, which the site and gunicorn's worker processes both keep; sizes in bytes, times in seconds."""

from config.environment import number

# Where files are uploaded; a body of any other address is small.
UPLOAD_ADDRESSES = frozenset({"/api/imports/", "/admin/datasets/importrun/import/"})
BODY_LIMIT = number("BODY_LIMIT", default=2**20)
REQUEST_LINE = 8190
HEADERS = 2**16  # all of them together

HEADER_SECONDS = number("HEADER_SECONDS", default=10) or 1
BODY_SECONDS = number("BODY_SECONDS", default=10) or 1
# An upload may take its time, but not stand still: after the grace, so many bytes a second on average.
UPLOAD_GRACE = number("UPLOAD_GRACE", default=10) or 1
UPLOAD_RATE = number("UPLOAD_RATE", default=1000) or 1
UPLOAD_SECONDS = number("UPLOAD_SECONDS", default=2 * 60 * 60) or 1
SEND_SECONDS = number("SEND_SECONDS", default=60) or 1  # for which an answer waits for a client that does not read


def is_upload(method: str, path: str) -> bool:
    """Tell whether a request may carry files."""
    return method == "POST" and path in UPLOAD_ADDRESSES
