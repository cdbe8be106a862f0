"""Upload handler that writes temporary files. They are deleted with the request unless a run takes them."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.template.defaultfilters import filesizeformat
from django.utils.datastructures import MultiValueDict

from datasets.http.multipart import boundary_of
from datasets.http.request_bodies import Body, BodyError, set_form, too_many
from imports.file_storage import TEMPORARY, folder
from imports.received_files import ReceivedFile
from imports.upload_storage import NO_SPACE, check_quotas, disk, storage_errors

OTHER_FIELDS = 2**16  # bytes of all other fields and of the multipart boundaries
_temporary_files: WeakKeyDictionary[HttpRequest, list[Path]] = WeakKeyDictionary()


class ReceivingHandler(FileUploadHandler):
    """Writes each file of a form to a temporary file. Raises BodyError above the upload limit."""

    def __init__(self, request: HttpRequest, paths: list[Path]):
        super().__init__(request)
        self.received = 0  # bytes of all files received so far
        self.paths = paths
        self.open_files = ExitStack()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        folder().mkdir(parents=True, exist_ok=True)
        part = tempfile.NamedTemporaryFile(dir=folder(), prefix=TEMPORARY, delete=False)
        self.part = self.open_files.enter_context(part)
        self.paths.append(Path(self.part.name))
        self.digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > settings.UPLOAD_LIMIT:
            raise too_large()
        self.digest.update(raw_data)
        self.part.write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        self.part.close()
        name, path = (self.file_name or "").strip(), Path(self.part.name)
        return ReceivedFile(name, path, self.digest.hexdigest(), file_size, self.content_type)

    def close(self) -> None:
        """Close the file that is being written, even if the disk is full."""
        with suppress(OSError):
            self.open_files.close()


def receive(request: HttpRequest) -> None:
    """Read a form with files to its end.

    Raises BodyError if it is incomplete or malformed. Call it inside ``temporary_files(request)``.
    """
    try:
        with storage_errors():
            set_form(request, *_parse(request))
    except BaseException:
        set_form(request, QueryDict(), MultiValueDict())  # prevents Django from reading the body again
        raise


def _parse(request: HttpRequest) -> tuple[QueryDict, MultiValueDict[str, UploadedFile[Any]]]:
    body = Body(request)
    if (body.announced or 0) > settings.UPLOAD_LIMIT + OTHER_FIELDS:
        raise too_large()
    body.limit = settings.UPLOAD_LIMIT + OTHER_FIELDS
    handler = ReceivingHandler(request, _temporary_files[request])
    # A chunked body has no length, but the parser would treat a length of 0 as an empty body.
    meta = request.META | {"CONTENT_LENGTH": str(1 if body.announced is None else body.announced)}
    try:
        boundary = boundary_of(meta.get("CONTENT_TYPE", ""))
        if boundary is None:
            raise BodyError("The form cannot be read. Expected multipart/form-data.")
        body.scan(boundary)
        _check_space(request, body.announced or 0)
        parser = MultiPartParser(meta, body, [handler], request.encoding)  # type: ignore[arg-type]  # only calls read()
        form = parser.parse()
        body.read(1)  # read past the final boundary, which raises an error for a truncated body
        body.finish()
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise BodyError(f"The form cannot be read: {too_many(error) or error}") from error
    finally:
        handler.close()
    return form


def _check_space(request: HttpRequest, announced: int) -> None:
    check_quotas(request.user, announced)
    if disk().free < announced:
        raise BodyError(NO_SPACE, 507)


@contextmanager
def temporary_files(request: HttpRequest) -> Iterator[None]:
    """At the end of the block, delete the files of *request*, except those that a run has taken."""
    paths = _temporary_files[request] = []
    try:
        yield
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def too_large() -> BodyError:
    """Return the error for an upload that exceeds the limit."""
    return BodyError(
        f"The upload is larger than the limit of {filesizeformat(settings.UPLOAD_LIMIT)}. "
        "Upload the files one by one, or import them on the command line.",
        413,
    )
