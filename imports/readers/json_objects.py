"""Split a text into its JSON objects: one per line, or in an array."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from datasets.text import shown
from imports.readers.decoding import Text, breaks
from imports.readers.errors import ReadError

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|"|[{}\[\]]', re.DOTALL)
SPACE = re.compile(rb"[ \t\r\n]*")
LINE_END = re.compile(rb"[\r\n]|\Z")
BLOCK = 1 << 20  # bytes
KEPT = 10_000  # bytes of a malformed object
CLOSING = "the closing bracket of the object, within DOCUMENT_LIMIT bytes"


@dataclass(frozen=True)
class JSONObject:
    """The text of an object, or of a line that is not an object, with its first line and its position, from 1."""

    text: bytes
    line: int
    place: int
    problem: str = ""


def objects_of(path: str | os.PathLike[str], encoding: str) -> Iterator[JSONObject]:
    with Text(path, encoding, "JSON") as text:
        yield from Objects(path, text)


class Objects:
    """Splits a text into objects. At most one object and one block are in memory."""

    def __init__(self, path: str | os.PathLike[str], text: Text):
        self.path, self.text = path, text
        self.data, self.position, self.ended = b"", 0, False
        self.line, self.counted = 1, 0  # the line at the position up to which lines are counted

    def __iter__(self) -> Iterator[JSONObject]:
        if self._next() == b"[":
            self.position += 1
            yield from self._array()
            return
        place = 0
        while sign := self._next():
            place, line = place + 1, self._line()
            end = self._end(stop_at_line=place > 1) if sign == b"{" else None
            if end is not None:
                yield self._object(end, line, place)
            elif place == 1 and sign == b"{":
                raise self._error(CLOSING)
            else:
                expected = "an object on a single line" if sign == b"{" else "a JSON object ({…})"
                yield JSONObject(self._rest_of_line(), line, place, f"Expected {expected}.")

    def _array(self) -> Iterator[JSONObject]:
        place = 0
        while (sign := self._next()) != b"]":
            if sign != b"{":
                raise self._error("a JSON object ({…})")
            place, line, end = place + 1, self._line(), self._end(stop_at_line=False)
            if end is None:
                raise self._error(CLOSING)
            yield self._object(end, line, place)
            sign = self._next()
            if sign not in (b",", b"]"):
                raise self._error("a comma or the closing bracket of the array")
            self.position += sign == b","
        self.position += 1
        if self._next():
            raise self._error("the end of the file after the array")

    def _object(self, end: int, line: int, place: int) -> JSONObject:
        text, self.position = self.data[self.position : end], end
        return JSONObject(text, line, place)

    def _read(self) -> bool:
        """Read another block after the current position. Return False at the end of the file."""
        if self.ended:
            return False
        # A CR at the end of the data may be half of a line break, so it is counted with the next block.
        at = self.position - (self.position == len(self.data) and self.data.endswith(b"\r"))
        self.line += breaks(self.data[self.counted : at])
        self.data, self.position, self.counted = self.data[at:], self.position - at, 0
        block = self.text.read(max(BLOCK, len(self.data)))
        self.data, self.ended = self.data + block, not block
        return not self.ended

    def _next(self) -> bytes:
        """Skip blanks, and return the next sign, or b"" at the end of the file."""
        while True:
            match = SPACE.match(self.data, self.position)
            self.position = match.end() if match else self.position
            if self.position < len(self.data) or not self._read():
                return self.data[self.position : self.position + 1]

    def _end(self, *, stop_at_line: bool) -> int | None:
        """Return the end of the object at the position, or None if it is too long or does not end on its line."""
        while True:
            depth = 0
            for match in TOKEN.finditer(self.data, self.position):
                token = match[0]
                if token == b'"':  # without an end
                    break
                if token in b"{[":
                    depth += 1
                elif token in b"}]":
                    depth -= 1
                    if depth == 0:
                        end = match.end()
                        if stop_at_line and b"\n" in self.data[self.position : end].replace(b"\r", b"\n"):
                            return None
                        return end
            has_line = LINE_END.search(self.data, self.position)
            if stop_at_line and has_line and has_line.end() > has_line.start():
                return None
            if len(self.data) - self.position > settings.DOCUMENT_LIMIT or not self._read():
                return None

    def _rest_of_line(self) -> bytes:
        """Return the text up to the end of the line, cut if it is long, and continue after it."""
        kept = b""
        while True:
            match = LINE_END.search(self.data, self.position)
            end = match.start() if match else len(self.data)
            kept += self.data[self.position : end][: max(0, KEPT - len(kept))]
            self.position = end
            if end < len(self.data) or not self._read():
                return kept

    def _line(self) -> int:
        """Return the number of the line at the position."""
        passed = self.data[self.counted : self.position]
        self.line += breaks(passed)
        if passed.endswith(b"\r") and self.data[self.position : self.position + 1] == b"\n":
            self.line -= 1
        self.counted = self.position
        return self.line

    def _error(self, wanted: str) -> ReadError:
        line = self._line()
        found = re.split(rb"[\r\n]", self.data[self.position : self.position + 20])[0].decode(errors="replace")
        what = shown(found) if found else "the end of the file"
        return ReadError(f"{self.path}, line {line}: expected {wanted}, found {what}.", line)
