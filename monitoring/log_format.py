"""Log formats: JSON or text, with the ID of the request, and without personal data and secrets.

This module must not import Django: gunicorn uses it before the site is loaded.
"""

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

from datasets.terminal_text import escaped

# Keys of the WSGI environment for the ID and the route name of a request.
REQUEST_ID, ROUTE = "tabularium.request_id", "tabularium.route"
request_id: ContextVar[str] = ContextVar("request_id", default="")

HIDDEN = (
    # PostgreSQL quotes rows, and statements with their values.
    (re.compile(r"^(\s*(?:DETAIL|CONTEXT|QUERY|LINE \d+)):.*$", re.M), r"\1: [left out]"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(://)[^/\s:@]*:[^/\s]*@"), r"\1[secret]@"),
    (re.compile(r"\btabularium_[A-Za-z0-9_-]{16,}"), "[token]"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s'\"]+"), r"\1 [secret]"),
    (re.compile(r"\b((?:password|secret|sessionid|csrftoken)\w*\s*[=:]\s*)[^\s,;&'\"]+", re.I), r"\1[secret]"),
    (re.compile(r"(/[^\s?'\"]*\?)[^\s'\"]+"), r"\1[left out]"),  # query strings
)


def redacted(text: str) -> str:
    """Return *text* without passwords, tokens, e-mail addresses, query strings and row values."""
    for pattern, shown in HIDDEN:
        text = pattern.sub(shown, text)
    return text


class TextLines(logging.Formatter):
    """Lines of text for a terminal, with control characters escaped."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return escaped(redacted(super().format(record)), keep="\n")


class JSONLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message, request_id, and the traceback as error.

    ``extra={"fields": {...}}`` adds keys.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if number := request_id.get():
            line["request_id"] = number
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = redacted(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode(errors="replace")


class WithoutTraceOfRefusals(logging.Filter):
    """Remove the traceback of a 403: a missing permission is not an error of the program."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
        return True
