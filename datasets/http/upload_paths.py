"""The URLs that accept uploads, shared by the server and the site."""

# The URLs that accept uploads. At all other URLs, BODY_LIMIT applies.
UPLOAD_ADDRESSES = frozenset({"/api/imports/", "/admin/imports/importrun/import/"})


def is_upload(method: str | None, path: str) -> bool:
    """Return whether a request may contain files."""
    return method == "POST" and path in UPLOAD_ADDRESSES
