"""Read the objects of a JSON file: one object, an array of objects, or one object per line (NDJSON)."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from datasets.exact_json import BRACKETS
from datasets.json_values import SPACE, WANTED, Flaw, Values
from datasets.text import match_end, shown
from imports.readers.csv_scanner import line_breaks
from imports.readers.decoding import Text, breaks
from imports.readers.errors import ReadError
from imports.readers.long_documents import without_long

LINE = re.compile(r"[^\r\n]*")
OTHER_LINE = re.compile(r"[\r\n][ \t]*[^\s{]|[\r\n][ \t]+\{")  # a line that does not start with an object
Found = tuple[int, Any, int, Flaw | None]  # start of a value, the value, its end, its flaw

MOST_RAW = 1 << 20  # characters stored of an invalid document


@dataclass(frozen=True)
class Document:
    """A JSON object of a file, its first line, and its position in the file, *place*, starting at 1.

    An invalid object has no value. Instead, *error* has the problem and *raw* the text. If several objects begin on one
    line, such as in an array without line breaks, the position of each object is used as its line number.
    """

    line: int
    value: Any
    error: str | None = None
    raw: str = ""
    place: int = 1


def read_json(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> list[Document]:
    """Return the objects of a file with one object, an array of objects, or one object per line. Raises ReadError.

    These errors affect only one object: a duplicate name, NaN, infinities, numbers and levels out of bounds, characters
    that the databases cannot store, and more than DOCUMENT_LIMIT bytes. Invalid JSON affects only its line if each line
    has its own objects. Otherwise, the start of the next object is unknown, so the whole file is invalid.
    """
    with Text(path, encoding, "JSON", in_memory=True) as opened:
        text, long = without_long(iter(lambda: opened.read(1 << 20), b""), settings.DOCUMENT_LIMIT)
    return _Documents(path, text.decode(), long).read()


class _Documents:
    def __init__(self, path: str | os.PathLike[str], text: str, long: set[int]):
        self.path, self.text, self.long = path, text, long

    def read(self) -> list[Document]:
        start = self._space(0)
        if start == len(self.text):
            raise ReadError(f"{self.path}: the file is empty; expected a JSON object or an array of objects.")
        if self.text[start] == "[":
            return self._numbered(self._array(start))
        try:
            first = self._value(Values(self.text), start)
        except ReadError:
            if len(self.text[:start].encode()) in self.long:  # it was replaced, with all of its content
                return self._numbered([(start, None, len(self.text), None)])
            if not self._has_lines(start):
                raise
            return self._numbered(self._lines(start))
        *_, end, flaw = first
        on_one_line = end <= match_end(LINE, self.text, start)
        if on_one_line or (flaw and self._has_lines(start)):
            return self._numbered(self._lines(start))
        if self._space(end) < len(self.text):
            raise self._error(self._space(end), "the end of the file after the object, or one object per line")
        return self._numbered([first])

    def _array(self, start: int) -> list[Found]:
        items, position, values = [], self._space(start + 1), Values(self.text)
        if self.text[position : position + 1] != "]":
            while True:
                items.append(self._value(values, position))
                position = self._space(items[-1][2])
                if self.text[position : position + 1] != ",":
                    break
                position = self._space(position + 1)
        if self.text[position : position + 1] != "]":
            raise self._error(position, "a comma or the closing bracket of the array")
        position = self._space(position + 1)
        if position < len(self.text):
            raise self._error(position, "the end of the file after the array")
        return items

    def _has_lines(self, start: int) -> bool:
        """Return whether an invalid first line is followed by a line with a valid object."""
        end = match_end(LINE, self.text, start)
        if self._is_open(start, end) and OTHER_LINE.search(self.text, end):
            return False
        position = self._space(end)
        while self.text[position : position + 1] == "{":
            end = match_end(LINE, self.text, position)
            if not any(flaw for *_, flaw in self._line(position, end)):
                return True
            position = self._space(end)
        return False

    def _lines(self, position: int) -> Iterator[Found]:
        while position < len(self.text):
            end = match_end(LINE, self.text, position)
            for item in self._line(position, end):
                yield item
            following = self._space(end)
            if item[3] and self._is_open(item[0], end) and following < len(self.text):
                if self.text[following] != "{" or self.text[following - 1] not in "\r\n":
                    raise self._error(item[0], "an object on a single line, like the objects before it")
            position = following

    def _line(self, start: int, end: int) -> Iterator[Found]:
        """Yield the objects of a line. Invalid JSON extends to the end of the line."""
        line, position = self.text[start:end], 0
        values = Values(line)
        while position < len(line):
            flaw, value, after = None, None, len(line)
            if line[position] != "{":
                flaw = Flaw(position, "a JSON object ({…})")
            else:
                try:
                    value, after, flaw = values.read(position)
                except json.JSONDecodeError as error:
                    flaw = Flaw(error.pos, WANTED.get(error.msg, "valid JSON"))
            if flaw:
                flaw = Flaw(start + flaw.position, flaw.wanted, flaw.found)
            yield start + position, value, start + after, flaw
            position = match_end(SPACE, line, after)

    def _is_open(self, start: int, end: int) -> bool:
        """Return whether brackets that open between two positions remain unclosed."""
        brackets = [match[0] for match in BRACKETS.finditer(self.text, start, end)]
        return sum((bracket in "{[") - (bracket in "}]") for bracket in brackets) > 0

    def _numbered(self, items: Iterator[Found] | list[Found]) -> list[Document]:
        placed, line, before, offset, begin = [], 1, 0, 0, 0
        for position, value, end, flaw in items:
            # Lines are counted in pieces that end before a value, and therefore never between CR and LF.
            passed = self.text[before:position].encode()
            begin = self._begin(before, position, begin)
            line, before, offset = line + breaks(passed), position, offset + len(passed)
            error, raw = "", ""
            if offset in self.long:
                problem = f"expected a document of at most {settings.DOCUMENT_LIMIT:,} bytes, found a longer one"
                value, error = None, f"line {line}: {problem}. Shorten it, or increase DOCUMENT_LIMIT."
            elif flaw:
                at = line + breaks(self.text[position : flaw.position].encode())
                column = flaw.position - self._begin(position, flaw.position, begin) + 1
                error = f"line {at}, column {column}: {self._description(flaw)}"
                raw = self.text[position : min(end, position + MOST_RAW)]
            placed.append((line, value, error, raw))
        on_lines = len({line for line, *_ in placed}) == len(placed)
        return [
            Document(
                line if on_lines else place,
                value,
                f"{self.path}, {'' if on_lines else f'object {place}, '}{error}" if error else None,
                raw,
                place,
            )
            for place, (line, value, error, raw) in enumerate(placed, 1)
        ]

    def _value(self, values: Values, start: int) -> Found:
        if self.text[start : start + 1] != "{":
            raise self._error(start, "a JSON object ({…})")
        try:
            return start, *values.read(start)
        except json.JSONDecodeError as error:
            raise self._error(error.pos, WANTED.get(error.msg, "valid JSON")) from None

    def _space(self, position: int) -> int:
        return match_end(SPACE, self.text, position)

    def _begin(self, start: int, end: int, begin: int) -> int:
        """Return the start of the line that contains *end*, or *begin* if that line starts before *start*."""
        last = max(self.text.rfind("\n", start, end), self.text.rfind("\r", start, end))
        return begin if last < 0 else last + 1

    def _description(self, flaw: Flaw) -> str:
        found = flaw.found
        if found is None:
            found = re.split(r"[\r\n]", self.text[flaw.position : flaw.position + 20])[0].strip()
            at_end = flaw.position >= len(self.text)
            found = shown(found) if found else f"the end of the {'file' if at_end else 'line'}"
        return f"expected {flaw.wanted}, found {found}."

    def _error(self, position: int, wanted: str) -> ReadError:
        line = len(line_breaks(self.text[:position].encode())[1]) + 1
        column = position - self._begin(0, position, 0) + 1
        problem = f"line {line}, column {column}: {self._description(Flaw(position, wanted))}"
        return ReadError(f"{self.path}, {problem}", line)
