"""The body of a request as it arrives: an error unless all of it came, and every part of a form."""

from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest

from datasets.http.multipart import FormScanner, not_utf8

PIECE = 2**16  # bytes


class BodyError(Exception):
    """A body that cannot be used: a sentence, and the status of the answer."""

    def __init__(self, sentence: str, status: int = 400):
        super().__init__(sentence)
        self.status = status


class Body:
    """The body of a request as it arrives. Raises BodyError where it is not whole."""

    def __init__(self, request: HttpRequest):
        self.received = 0
        self.announced = announced_size(request)  # None: chunks, of which the last says that it is
        self._source: Any = request if self.announced is not None else request.environ["wsgi.input"]
        self._scanner = None
        self.limit: int | None = None  # of a body in chunks, whose size nobody announces

    def scan(self, boundary: bytes) -> None:
        """Have the parts of a form watched."""
        self._scanner = FormScanner(boundary)

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, or what is left."""
        try:
            data = self._source.read(size)
        except TimeoutError as error:
            raise _too_slow() from error
        except Exception as error:  # a server's own error of a chunk, which the site does not know
            if isinstance(error.__cause__, TimeoutError) or isinstance(error.__context__, TimeoutError):
                raise _too_slow() from error
            raise BodyError(f"The body of the request cannot be read after {self.received:,} bytes.") from error
        self.received += len(data)
        if self.limit is not None and self.received > self.limit:
            raise BodyError("The body of the request is larger than it may be.", 413)
        if len(data) < size and self.announced is not None and self.received < self.announced:
            raise BodyError(
                f"The body of the request is not whole: {self.announced:,} bytes were announced and {self.received:,} "
                "came. Nothing was done with it. Send it again."
            )
        if self._scanner:
            self._scanner.feed(data)
        return data

    def read_all(self, limit: int, sentence: str) -> bytes:
        """Return the whole body; a larger one than *limit* gets *sentence*."""
        if (self.announced or 0) > limit:
            raise BodyError(sentence, 413)
        pieces = []
        while piece := self.read(min(PIECE, limit + 1 - self.received)):
            pieces.append(piece)
            if self.received > limit:
                raise BodyError(sentence, 413)
            if self.received == self.announced:
                break
        self.finish()
        return b"".join(pieces)

    def finish(self) -> None:
        """Raise MultiPartParserError where a form has no end."""
        if self._scanner:
            self._scanner.finish()


def too_many(error: Exception) -> str:
    """Return the sentence for a form with more fields or files than Django takes; empty for another error."""
    if isinstance(error, TooManyFieldsSent):
        return f"a form may have {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields at most, and this one has more."
    if isinstance(error, TooManyFilesSent):
        return f"a form may have {settings.DATA_UPLOAD_MAX_NUMBER_FILES:,} files at most, and this one has more."
    return ""


def announced_size(request: HttpRequest) -> int | None:
    """Return how many bytes a request announces; None where it comes in chunks. Raises BodyError."""
    environ = request.META
    if environ.get("HTTP_TRANSFER_ENCODING"):
        if not environ.get("wsgi.input_terminated"):
            raise BodyError("This server reads no body in chunks. Send it with its Content-Length.", 411)
        return None
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        raise BodyError("Content-Length must be a whole number.")
    return int(length)


def _too_slow() -> BodyError:
    return BodyError("The body of the request came too slowly. Nothing was done with it. Send it again.", 408)


def expect_utf8(form: bytes) -> None:
    """Raise BodyError for a field of an URL-encoded form that is not UTF-8: Django would store other characters."""
    for pair in form.split(b"&"):
        name, _, value = (unquote_to_bytes(part.replace(b"+", b" ")) for part in pair.partition(b"="))
        try:
            name.decode()
            value.decode()
        except UnicodeDecodeError as error:
            field = name.decode("ascii", "backslashreplace")[:100]
            raise BodyError(f"The form cannot be read: {not_utf8(field, error)}") from None
