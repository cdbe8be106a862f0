"""Limits of requests, which the site and gunicorn's worker processes both keep; sizes in bytes, times in seconds."""

from config.environment import number

# Where files are uploaded; a body of any other address is small.
UPLOAD_ADDRESSES = frozenset({"/api/imports/", "/admin/datasets/importrun/import/"})
BODY_LIMIT = number("BODY_LIMIT", default=2**20)


def is_upload(method: str, path: str) -> bool:
    """Tell whether a request may carry files."""
    return method == "POST" and path in UPLOAD_ADDRESSES
