"""JSON documents as they come: one object, an array of objects, or an object a line."""

import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datasets.reading.errors import ReadError, shown
from datasets.reading.rows import line_breaks
from datasets.reading.text import Text, breaks

SPACE = re.compile(r"[ \t\r\n]*")
REST_OF_LINE = re.compile(r"[ \t]*(?:\r\n|\n|\r|\Z)")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
ODD_ESCAPE = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)  # a NUL character, or half of a surrogate pair
SURROGATE = re.compile("[\ud800-\udfff]")

# What the json module says, and what it would have had to find.
WANTED = {
    "Expecting value": "a value",
    "Expecting property name enclosed in double quotes": "a name in double quotes",
    "Expecting ':' delimiter": "a colon",
    "Expecting ',' delimiter": "a comma or a closing bracket",
    "Illegal trailing comma before end of object": "no comma before the closing bracket",
    "Illegal trailing comma before end of array": "no comma before the closing bracket",
    "Unterminated string starting at": "a closing quote for the text that begins here",
    "Invalid control character at": "line breaks and control characters in a text written as escapes, such as \\n",
    "Invalid \\escape": "one of the escapes of JSON after a backslash",
    "Invalid \\uXXXX escape": "four hexadecimal digits after \\u",
}


@dataclass(frozen=True)
class Document:
    """A JSON object of a file, and the line it begins on."""

    line: int
    value: Any


class _Refused(Exception):
    """Something that the json module would have let pass."""


def read_json(path: str | os.PathLike, *, encoding: str = "utf-8") -> list[Document]:
    """The objects of a file that holds one, an array of them, or one a line; raises ReadError for anything else.

    A name that comes twice in an object, NaN, infinities and characters that no database keeps are errors too.
    """
    with Text(path, encoding, "JSON") as opened:
        text = b"".join(iter(lambda: opened.read(1 << 20), b"")).decode()
    return _Documents(path, text).read()


class _Documents:
    def __init__(self, path: str | os.PathLike, text: str):
        self.path = path
        self.text = text
        self.odd_escapes = bool(ODD_ESCAPE.search(text))
        self.decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse, parse_float=_float)

    def read(self) -> list[Document]:
        start = self._space(0)
        if start == len(self.text):
            raise ReadError(f"{self.path}: the file is empty; expected a JSON object, or an array of them.")
        if self.text[start] == "[":
            return self._array(start)
        value, end = self._value(start)
        if self._space(end) == len(self.text):
            return [Document(self._place(start)[0], value)]
        if breaks(self.text[start:end].encode()) or not REST_OF_LINE.match(self.text, end):
            raise self._error(self._space(end), "the end of the file after the object, or one object a line")
        return self._lines()

    def _array(self, start: int) -> list[Document]:
        found, position = [], self._space(start + 1)
        if self.text[position : position + 1] != "]":
            while True:
                value, end = self._value(position)
                found.append((position, value))
                position = self._space(end)
                if self.text[position : position + 1] != ",":
                    break
                position = self._space(position + 1)
        if self.text[position : position + 1] != "]":
            raise self._error(position, "a comma or the closing bracket of the array")
        position = self._space(position + 1)
        if position < len(self.text):
            raise self._error(position, "the end of the file after the array")
        return self._numbered(found)

    def _lines(self) -> list[Document]:
        found, position = [], self._space(0)
        while position < len(self.text):
            value, end = self._value(position)
            if breaks(self.text[position:end].encode()):
                raise self._error(position, "an object that ends on the line it begins on, as those before it do")
            if not REST_OF_LINE.match(self.text, end):
                raise self._error(self._space(end), "the end of the line after the object")
            found.append((position, value))
            position = self._space(end)
        return self._numbered(found)

    def _numbered(self, found: list[tuple[int, Any]]) -> list[Document]:
        documents, line, before = [], 1, 0
        for position, value in found:
            # Counted in pieces that end before a value, never between the CR and LF of one break.
            line, before = line + breaks(self.text[before:position].encode()), position
            documents.append(Document(line, value))
        return documents

    def _value(self, start: int) -> tuple[dict, int]:
        if self.text[start : start + 1] != "{":
            raise self._error(start, "a JSON object ({…})")
        try:
            value, end = self.decoder.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            raise self._error(error.pos, WANTED.get(error.msg, "valid JSON")) from None
        except _Refused:
            raise self._refused(start) from None
        except RecursionError:
            line, column = self._place(start)
            raise ReadError(
                f"{self.path}, line {line}, column {column}: expected an object of a few levels, found one of too many."
            ) from None
        except ValueError:  # Python reads no whole number of more than some thousand digits
            raise self._refused(start) from None
        if self.odd_escapes and (error := self._find(start, end, _odd_text)):
            raise error
        return value, end

    def _refused(self, start: int) -> ReadError:
        return self._find(start, len(self.text), _odd_number) or self._error(start, "valid JSON")

    def _find(self, start: int, end: int, odd: Callable[[str], str]) -> ReadError | None:
        """The first name that comes twice in its object, or other token that is odd, as an error."""
        names: list[set | None] = []  # those of each open object; None for an array
        naming = False
        for match in TOKEN.finditer(self.text, start, end):
            token = match.group()
            if wanted := odd(token):
                return self._error(match.start(), wanted, token)
            if token in ("{", "["):
                names.append({"{": set(), "[": None}[token])
            elif token in ("}", "]"):
                names.pop()
            elif naming and token.startswith('"'):
                name = json.loads(token)
                if name in names[-1]:
                    return self._error(match.start(), "each name once in an object", token)
                names[-1].add(name)
            naming = bool(names) and names[-1] is not None and token in ("{", ",")
        return None

    def _space(self, position: int) -> int:
        return SPACE.match(self.text, position).end()

    def _place(self, position: int) -> tuple[int, int]:
        before = self.text[:position].encode()
        nexts = line_breaks(before)[1]
        return len(nexts) + 1, len(before[nexts[-1] if nexts else 0 :].decode()) + 1

    def _error(self, position: int, wanted: str, found: str | None = None) -> ReadError:
        line, column = self._place(position)
        if found is None:
            found = self.text[position : position + 20].split("\n")[0].strip()
        found = shown(found) if found else "the end of the " + ("file" if position >= len(self.text) else "line")
        return ReadError(f"{self.path}, line {line}, column {column}: expected {wanted}, found {found}.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _Refused
    return value


def _refuse(constant: str) -> None:
    raise _Refused


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused
    return number


def _odd_number(token: str) -> str:
    if token in ("NaN", "Infinity", "-Infinity"):
        return "a number that JSON knows"
    if token[0] in "-0123456789":
        try:
            if math.isinf(json.loads(token)):
                return "a smaller number"
        except ValueError:
            return "a shorter number"
    return ""


def _odd_text(token: str) -> str:
    if token.startswith('"') and ODD_ESCAPE.search(token):
        text = json.loads(token)
        if "\0" in text:
            return "a text without NUL characters"
        if SURROGATE.search(text):
            return "a text of whole characters, not half a surrogate pair"
    return ""
