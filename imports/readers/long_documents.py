"""Replace JSON documents above the size limit with empty objects during reading, and report their positions."""

import re
from collections.abc import Iterable

OUTSIDE = re.compile(rb'["{}\[\]\r\n]')
INSIDE = re.compile(rb'["\\\r\n]')
BREAK = re.compile(rb"[\r\n]")
NO_BREAKS = re.compile(rb"[^\r\n]+")


def without_long(blocks: Iterable[bytes], most: int) -> tuple[bytes, set[int]]:
    """Return the text of a JSON file, and the positions of documents that had more than *most* bytes.

    In the text, each of these is replaced with an empty object and the same line breaks. At most *most* bytes and one
    block of such a document are in memory.
    """
    scan = _Scan(most)
    for block in blocks:
        scan.add(block)
    return bytes(scan.text), scan.long


class _Scan:
    """Tracks brackets and quotes to find the beginnings and ends of documents.

    If the first document ends on its first line, every document is assumed to end on its line, because it may be
    truncated.
    """

    def __init__(self, most: int):
        self.most = most
        self.text = bytearray()
        self.long: set[int] = set()
        self.count = self.depth = self.around = 0  # documents so far, open brackets, brackets around documents
        self.start: int | None = None  # start of the current document in the text
        self.in_string = self.escaped = self.leaving_out = self.has_lines = False

    def add(self, block: bytes) -> None:  # noqa: C901 - one state machine, a call per token would be slow
        position = copied = 0
        if self.escaped and block:
            position, self.escaped = block[0] not in b"\r\n", False
        while match := (INSIDE if self.in_string else OUTSIDE).search(block, position):
            token, position = match[0], match.end()
            if token in b"\r\n":
                if self.has_lines:
                    self._finish(block[copied : match.start()])
                    copied, self.depth, self.in_string = match.start(), 0, False
                continue
            if self.in_string:
                if token == b"\\":
                    self.escaped = position == len(block)
                    position += block[position : position + 1] not in (b"\r", b"\n")
                    continue
                self.in_string = False
            else:
                if self.start is None and self.depth == self.around and token in b'{["':
                    if token == b"[" and not self.count and not self.around:
                        self.around = self.depth = 1  # an array of documents
                        continue
                    self.start, self.count = len(self.text) + match.start() - copied, self.count + 1
                if token == b'"':
                    self.in_string = True
                    continue
                self.depth += 1 if token in b"{[" else -1
            if self.start is not None and self.depth <= self.around:
                self._finish(block[copied:position])
                copied = position
        self._copy(block[copied:])

    def _finish(self, part: bytes) -> None:
        """Add the last part of a document, or the text between documents."""
        self._copy(part)
        if self.start is not None and self.count == 1 and not self.around:
            self.has_lines = not BREAK.search(self.text, self.start)
        if self.leaving_out:
            self.text += b"}"
        self.start, self.leaving_out = None, False

    def _copy(self, part: bytes) -> None:
        """Add a part of a block. The current document may become too long with it."""
        self.text += NO_BREAKS.sub(b"", part) if self.leaving_out else part
        if self.start is not None and not self.leaving_out and len(self.text) - self.start > self.most:
            self.long.add(self.start)
            self.leaving_out = True
            self.text[self.start :] = b"{" + NO_BREAKS.sub(b"", self.text[self.start :])
