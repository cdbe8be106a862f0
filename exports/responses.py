"""Streaming responses for exports, which read rows while sending them."""

from django.http import StreamingHttpResponse

from exports.formats import Export


class ExportResponse(StreamingHttpResponse):
    """Sends *file*, with its own headers and *headers*."""

    def __init__(self, file: Export, headers: dict[str, str] | None = None):
        self.file = file
        super().__init__(file, content_type=file.content_type, headers=file.headers | (headers or {}))


def headers_of(file: Export, headers: dict[str, str] | None = None) -> StreamingHttpResponse:
    """Return the response to HEAD, and close *file*.

    The length of the file is unknown. The empty chunk prevents servers from sending Content-Length: 0.
    """
    file.close()
    return StreamingHttpResponse([b""], content_type=file.content_type, headers=file.headers | (headers or {}))
