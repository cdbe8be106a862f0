"""Limits of requests, shared by the site and the gunicorn worker. Sizes are in bytes, times in seconds."""

from config.env import number

BODY_LIMIT = number("BODY_LIMIT", default=2**20)
REQUEST_LINE = 8190
HEADERS = 2**16  # all headers together

UNPACKED_LIMIT = number("UNPACKED_LIMIT", default=20 * 1024**3)  # of a compressed file after unpacking
UNPACKED_RATIO = number("UNPACKED_RATIO", default=200)  # of the size after and before unpacking, above 100 MiB

HEADER_SECONDS = number("HEADER_SECONDS", default=10) or 1
BODY_SECONDS = number("BODY_SECONDS", default=10) or 1
# Minimum speed of an upload: after UPLOAD_GRACE seconds, an average of UPLOAD_RATE bytes per second.
UPLOAD_GRACE = number("UPLOAD_GRACE", default=10) or 1
UPLOAD_RATE = number("UPLOAD_RATE", default=1000) or 1
UPLOAD_SECONDS = number("UPLOAD_SECONDS", default=2 * 60 * 60) or 1
SEND_SECONDS = number("SEND_SECONDS", default=60) or 1  # maximum wait for a client that stops reading
