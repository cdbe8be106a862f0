"""Read the body of a request while it arrives. An incomplete body or form is an error."""

from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict

from datasets.http.multipart import FormScanner, not_utf8

PIECE = 2**16  # bytes


class BodyError(Exception):
    """An invalid request body, with a message and the status of the response."""

    def __init__(self, sentence: str, status: int = 400):
        super().__init__(sentence)
        self.status = status


class Body:
    """A request body that is read while it arrives. Raises BodyError if it is incomplete."""

    def __init__(self, request: HttpRequest):
        self.received = 0
        self.announced = announced_size(request)  # None: a chunked body
        self._source: Any = request if self.announced is not None else request.META["wsgi.input"]
        self._scanner: FormScanner | None = None
        self.limit: int | None = None  # for a chunked body, which does not announce its size

    def scan(self, boundary: bytes) -> None:
        """Validate the parts of a form during reading."""
        self._scanner = FormScanner(boundary)

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, or the rest of the body."""
        try:
            data: bytes = self._source.read(size)
        except TimeoutError as error:
            raise _too_slow() from error
        except Exception as error:  # the server has its own exception for an invalid chunk
            if isinstance(error.__cause__, TimeoutError) or isinstance(error.__context__, TimeoutError):
                raise _too_slow() from error
            raise BodyError(f"The request body cannot be read after {self.received:,} bytes.") from error
        self.received += len(data)
        if self.limit is not None and self.received > self.limit:
            raise BodyError("The request body is too large.", 413)
        if len(data) < size and self.announced is not None and self.received < self.announced:
            raise BodyError(
                f"The request body is incomplete: {self.received:,} of {self.announced:,} bytes arrived. "
                "Nothing was changed. Send it again."
            )
        if self._scanner:
            self._scanner.feed(data)
        return data

    def read_all(self, limit: int, sentence: str) -> bytes:
        """Return the whole body. Raises BodyError with *sentence* for more than *limit* bytes."""
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
        """Raise MultiPartParserError if a form is incomplete."""
        if self._scanner:
            self._scanner.finish()


def set_body(request: HttpRequest, content: bytes) -> None:
    """Store *content* as the body, so that it can be read again, as Django does after the first read."""
    vars(request).update(_stream=BytesIO(content), _read_started=False)  # Django has no public way
    request.META["CONTENT_LENGTH"] = str(len(content))


def set_form(request: HttpRequest, post: QueryDict, files: MultiValueDict[str, UploadedFile[bytes]]) -> None:
    """Set the request's POST and FILES to *post* and *files*, so that Django does not read the body."""
    vars(request).update(_post=post, _files=files)  # Django has no public API to set FILES


def too_many(error: Exception) -> str:
    """Return the message for a form with too many fields or files, or an empty string for other errors."""
    if isinstance(error, TooManyFieldsSent):
        return f"it has more than {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields."
    if isinstance(error, TooManyFilesSent):
        return f"it has more than {settings.DATA_UPLOAD_MAX_NUMBER_FILES:,} files."
    return ""


def announced_size(request: HttpRequest) -> int | None:
    """Return the Content-Length of a request, or None for a chunked body. Raises BodyError."""
    environ = request.META
    if environ.get("HTTP_TRANSFER_ENCODING"):
        if not environ.get("wsgi.input_terminated"):
            raise BodyError("This server does not support chunked request bodies. Send a Content-Length.", 411)
        return None
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        raise BodyError("Content-Length must be a whole number.")
    return int(length)


def _too_slow() -> BodyError:
    return BodyError("The request body arrived too slowly. Nothing was changed. Send it again.", 408)


def expect_utf8(form: bytes) -> None:
    """Raise BodyError for a URL-encoded field that is not UTF-8, because Django would store replacement characters."""
    for pair in form.split(b"&"):
        name, _, value = (unquote_to_bytes(part.replace(b"+", b" ")) for part in pair.partition(b"="))
        try:
            name.decode()
            value.decode()
        except UnicodeDecodeError as error:
            field = name.decode("ascii", "backslashreplace")[:100]
            raise BodyError(f"The form cannot be read: {not_utf8(field, error)}") from None
