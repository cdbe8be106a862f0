"""The account of an upload, as far as the gunicorn worker can determine it before authentication."""

import hashlib
import re

from django.conf import settings
from django.http import parse_cookie

AUTHORIZATION = re.compile(rb"\r\nauthorization[ \t]*:[ \t]*bearer[ \t]+([^\r\n]*)", re.IGNORECASE)
COOKIE = re.compile(rb"\r\ncookie[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
FORWARDED = re.compile(rb"\r\nx-forwarded-for[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


def uploader(head: bytes, address: object) -> bytes:
    """Return a digest of the token, else of the session, else of the client's address.

    The site checks later whether the token or session is valid. It refuses an upload without an account immediately.
    """
    if tokens := AUTHORIZATION.findall(head):
        known = b"token:" + tokens[-1].strip()
    elif session := _session(head):
        known = b"session:" + session
    else:
        forwarded = FORWARDED.findall(head) if settings.TRUST_PROXY else []
        last = forwarded[-1].rpartition(b",")[2].strip() if forwarded else b""
        known = b"address:" + (last or str(address[0] if isinstance(address, tuple) else address).encode())
    return hashlib.sha256(known).digest()


def _session(head: bytes) -> bytes:
    cookies = parse_cookie("; ".join(line.decode("latin-1") for line in COOKIE.findall(head)))
    return cookies.get(settings.SESSION_COOKIE_NAME, "").encode()
