"""A file as an answer that is sent while it is read, and read only when the rest of the request is done."""

from django.http import StreamingHttpResponse

from exports.formats import Export


class ExportResponse(StreamingHttpResponse):
    """Sends *file*, with its own headers and *headers*."""

    def __init__(self, file: Export, headers: dict[str, str] | None = None):
        self.file = file
        super().__init__(file, content_type=file.content_type, headers=file.headers | (headers or {}))


def headers_of(file: Export, headers: dict[str, str] | None = None) -> StreamingHttpResponse:
    """Return the answer to HEAD, and let go of *file*.

    Its length is not known: the one empty piece keeps servers from saying that it is 0.
    """
    file.close()
    return StreamingHttpResponse([b""], content_type=file.content_type, headers=file.headers | (headers or {}))
