"""A connection of the gunicorn worker: the received part of its next request, and its missing bytes."""

import re
from enum import Enum
from typing import Any

from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

from config import limits
from config.gunicorn_worker.body_pace import Pace, PacedUnreader
from config.gunicorn_worker.upload_accounts import uploader
from datasets.http.upload_paths import is_upload

LONGEST_CHUNK_LINE = 1024
LONGEST_TRAILERS = 8192
TARGET = re.compile(rb"^(?:\r\n)?([^ \r\n]*) ([^ \r\n]*)")
SPACED = re.compile(rb"^(?:\r\n)?[A-Z]+ [^\r\n]* [^\r\n]* HTTP/[0-9.]+\r\n")
FIELD = re.compile(rb"\r\n(content-length|content-type|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
EXPECT = re.compile(rb"\r\nexpect[ \t]*:[^\r\n]*", re.IGNORECASE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class RefusedError(Exception):
    """A request that the worker answers itself: an HTTP status and a message."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class State(Enum):
    """How much of a request has been received."""

    WAITING = "incomplete"
    WHOLE = "complete"
    UPLOAD = "headers complete; a thread reads the files"


class Connection(TConn):
    """A client's connection. The worker receives a request without a thread until :attr:`state` is not WAITING."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.received = bytearray()
        self.deadline = 0.0
        self.state = State.WAITING
        self.is_polled = False
        self.counted = 0  # bytes that the worker buffers for it
        self.uploader = b""  # a digest that identifies the account of an upload

    def begin(self, now: float) -> None:
        """Start receiving a request; some of its bytes may already be buffered."""
        self.received = bytearray(
            self.parser.unreader.take_buffered() if isinstance(self.parser, RequestParser) else b""
        )
        self.state, self.deadline = State.WAITING, now + limits.HEADER_SECONDS
        self._head = self._end = self._chunk = self._content = self._seen = 0
        self._is_chunked = False
        self._pace: Pace | None = None  # for a small body with the speed limit of an upload
        self._last = now

    @property
    def head(self) -> bytes:
        """The received part of the request line and the headers."""
        return bytes(self.received[: self._head or limits.HEADERS])

    @property
    def is_in_headers(self) -> bool:
        """Whether the headers are incomplete."""
        return not self._head

    def add(self, data: bytes, now: float) -> None:
        """Add received bytes. Raises RefusedError for an invalid request."""
        self.received += data
        if self._pace:
            self._pace.add(len(data), now - self._last)
            self._last, self.deadline = now, now + self._pace.left()
        self.look(now)

    def look(self, now: float) -> None:
        """Update the state from the received bytes. Raises RefusedError for an invalid request."""
        if not self._head and not self._find_head(now):
            return
        if self.state is State.WAITING:
            end = self._find_chunks() if self._is_chunked else self._end
            if end and len(self.received) >= end:
                self.state = State.WHOLE

    def hand_over(self) -> None:
        """Pass the received bytes to gunicorn's parser, with a time limit for the rest. Called in a thread."""
        if self.state is State.UPLOAD:
            pace = Pace(limits.UPLOAD_GRACE, limits.UPLOAD_RATE, limits.UPLOAD_SECONDS)
        else:
            pace = Pace(limits.BODY_SECONDS, None, limits.BODY_SECONDS)
        if not isinstance(self.parser, RequestParser):
            self.parser = RequestParser(self.cfg, self.sock, self.client)
        self.parser.unreader = PacedUnreader(self.sock, pace)
        self.parser.unreader.unread(bytes(self.received))
        self.received = bytearray()
        self.data_ready = True

    def _find_head(self, now: float) -> bool:
        seen, self._seen = self._seen, len(self.received)  # bytes before this index were already searched
        end = self.received.find(b"\r\n\r\n", max(seen - 3, 2 if self.received[:2] == b"\r\n" else 0))
        line = self.received.find(b"\r\n", 2, limits.REQUEST_LINE + 4)
        if (len(self.received) if line < 0 else line) > limits.REQUEST_LINE + 2:
            raise RefusedError(
                414, f"The URL is too long. The request line can have at most {limits.REQUEST_LINE:,} bytes."
            )
        if (len(self.received) if end < 0 else end) > limits.HEADERS:
            raise RefusedError(
                431, f"The headers are too long. Together they can have at most {limits.HEADERS:,} bytes."
            )
        if end < 0:
            if self.received.count(b"\n", seen) != self.received.count(b"\r\n", max(seen - 1, 0)):
                raise RefusedError(400, "A header line does not end with CRLF.")
            return False
        self._head = self._chunk = end + 4
        self._expect_body(now)
        return True

    def _expect_body(self, now: float) -> None:
        """Find out which body follows the headers. gunicorn's parser reports invalid headers later."""
        head = bytes(self.received[: self._head])
        if SPACED.match(head):
            raise RefusedError(400, "The URL contains a space. Encode spaces as %20.")
        fields: dict[bytes, bytes] = {}
        for name, value in FIELD.findall(head):
            fields[name.lower()] = value.strip()
            if name.lower() == b"transfer-encoding" and value.strip().lower() != b"chunked":
                raise RefusedError(501, "Transfer-Encoding must be chunked or absent.")
        length, method, target = fields.get(b"content-length", b"0"), b"", b""
        if match := TARGET.match(head):
            method, target = match.groups()
        path = re.sub(rb"^https?://[^/?]*", b"", target).partition(b"?")[0]
        self._is_chunked = b"transfer-encoding" in fields
        size = int(length) if length.isdigit() and len(length) < 19 else 0
        if not self._is_chunked and not size:
            self._end = self._head
            return
        may_upload = is_upload(method.decode("latin-1"), path.decode("latin-1"))
        is_form = fields.get(b"content-type", b"").lower().startswith(b"multipart/")
        if may_upload and is_form and (self._is_chunked or size > limits.BODY_LIMIT):
            self.state, self.uploader = State.UPLOAD, uploader(head, self.client)
            return
        if size > limits.BODY_LIMIT:
            raise _too_large()
        self._end, self.deadline = self._head + size, now + limits.BODY_SECONDS
        if may_upload:
            self._pace = Pace(limits.UPLOAD_GRACE, limits.UPLOAD_RATE, limits.UPLOAD_SECONDS)
            self._last, self.deadline = now, now + self._pace.left()
        if fields.get(b"expect", b"").lower() == b"100-continue" and len(self.received) == self._head:
            self.sock.send(CONTINUE)
            kept = EXPECT.sub(b"", head)
            self.received[: self._head] = kept
            self._end -= self._head - len(kept)
            self._head = self._chunk = len(kept)

    def _find_chunks(self) -> int:
        """Return the index of the end of the last chunk; 0 if it was not received yet. Raises RefusedError."""
        if len(self.received) > self._head + 2 * limits.BODY_LIMIT + limits.HEADERS:
            raise _too_large()
        while (line := self.received.find(b"\r\n", self._chunk, self._chunk + LONGEST_CHUNK_LINE)) >= 0:
            size = bytes(self.received[self._chunk : line]).partition(b";")[0].strip(b" \t")
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
                raise _no_chunks()
            if not int(size, 16):
                end = self.received.find(b"\r\n\r\n", line)
                if end < 0 and len(self.received) - line > LONGEST_TRAILERS:
                    raise _no_chunks()
                return end + 4 if end >= 0 else 0
            if self._content + int(size, 16) > limits.BODY_LIMIT:
                raise _too_large()
            following = line + 2 + int(size, 16) + 2
            if len(self.received) < following:
                return 0
            if self.received[following - 2 : following] != b"\r\n":
                raise _no_chunks()
            self._chunk, self._content = following, self._content + int(size, 16)
        if len(self.received) - self._chunk >= LONGEST_CHUNK_LINE:
            raise _no_chunks()
        return 0


def _too_large() -> RefusedError:
    return RefusedError(413, f"The body of a request to this URL can have at most {limits.BODY_LIMIT:,} bytes.")


def _no_chunks() -> RefusedError:
    return RefusedError(400, "The chunked body is not valid.")
