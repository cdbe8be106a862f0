"""Lines of the log: JSON for machines or text for people, with the request's id, and without what is nobody's business.

Django is not needed here: gunicorn writes its own lines by it before the site is loaded.
"""

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

from datasets.escaping import escaped

# Under these names the environment of a request holds its id, and the name of its route.
REQUEST_ID, ROUTE = "tabularium.request_id", "tabularium.route"
request_id: ContextVar[str] = ContextVar("request_id", default="")

HIDDEN = (
    # What PostgreSQL quotes from a row, or from a statement with its values.
    (re.compile(r"^(\s*(?:DETAIL|CONTEXT|QUERY|LINE \d+)):.*$", re.M), r"\1: [left out]"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(://)[^/\s:@]*:[^/\s]*@"), r"\1[secret]@"),
    (re.compile(r"\btabularium_[A-Za-z0-9_-]{16,}"), "[token]"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s'\"]+"), r"\1 [secret]"),
    (re.compile(r"\b((?:password|secret|sessionid|csrftoken)\w*\s*[=:]\s*)[^\s,;&'\"]+", re.I), r"\1[secret]"),
    (re.compile(r"(/[^\s?'\"]*\?)[^\s'\"]+"), r"\1[left out]"),  # what was searched for
)


def redacted(text: str) -> str:
    """Return *text* without passwords, tokens, e-mail addresses, questions in addresses, and values of rows."""
    for pattern, shown in HIDDEN:
        text = pattern.sub(shown, text)
    return text


class TextLines(logging.Formatter):
    """Lines for people, on a terminal that obeys none of their characters."""

    def __init__(self):
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return escaped(redacted(super().format(record)), keep="\n")


class JSONLines(logging.Formatter):
    """A JSON object a line: time, level, logger, message, the request's id, a traceback under error.

    ``extra={"fields": {...}}`` adds others.
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
    """Lets every record pass; what somebody may not do is no fault of the program, and needs no trace of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
        return True
