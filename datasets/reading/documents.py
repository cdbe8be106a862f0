"""JSON documents as they come: one object, an array of objects, or an object a line."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.conf import settings

from datasets import exact_json
from datasets.exact_json import BRACKETS, LEVELS, levels, number
from datasets.reading.errors import ReadError, shown
from datasets.reading.long_documents import without_long
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


MOST_RAW = 1 << 20  # characters of a document that cannot be used


@dataclass(frozen=True)
class Document:
    """A JSON object of a file, the line it begins on, and which of the file's objects it is, from 1.

    One that breaks a rule which the file's other objects keep has no value: *error* says what is wrong with it, *raw*
    is its text. Where several begin on one line, as in an array without line breaks, all objects of the file have
    their place for their line.
    """

    line: int
    value: Any
    error: str | None = None
    raw: str = ""
    place: int = 1


@dataclass(frozen=True)
class _Flaw:
    """What is wrong with a JSON value whose end is known: where, what was expected there, and what was found."""

    position: int
    wanted: str
    found: str


def read_json(path: str | os.PathLike, *, encoding: str = "utf-8") -> list[Document]:
    """The objects of a file that holds one, an array of them, or one a line; raises ReadError for anything else.

    A name that comes twice in an object, NaN, infinities, numbers and levels out of bounds, characters that no
    database keeps, and more than DOCUMENT_LIMIT bytes are errors of their object.
    """
    with Text(path, encoding, "JSON") as opened:
        text, long = without_long(iter(lambda: opened.read(1 << 20), b""), settings.DOCUMENT_LIMIT)
    found = _Documents(path, text.decode()).read()
    return [_too_long(path, document) if place in long else document for place, document in enumerate(found, 1)]


def _too_long(path: str | os.PathLike, document: "Document") -> "Document":
    said = f"expected a document of at most {settings.DOCUMENT_LIMIT:,} bytes, found a longer one"
    error = f"{path}, line {document.line}: {said}. Shorten it, or set DOCUMENT_LIMIT."
    return replace(document, value=None, error=error)


def kept(text: str) -> str:
    """Return a JSON text as it is stored, its numbers in plain digits; raises ValueError with what is wrong with it."""
    try:
        value, end, flaw = _Values(text).read(SPACE.match(text).end())
        if SPACE.match(text, end).end() < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not a JSON document ({error})") from None
    if flaw:
        raise ValueError(f"is not accepted: expected {flaw.wanted}, found {flaw.found}")
    return exact_json.text(value)


class _Values:
    """JSON values at places of a text, with what is wrong with them."""

    def __init__(self, text: str):
        self.text = text
        self.odd_escapes = bool(ODD_ESCAPE.search(text))
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_float=self._number,
            parse_int=self._number,
        )
        self.flawed = False

    def read(self, start: int) -> tuple[Any, int, _Flaw | None]:
        """Return the value that begins at *start*, its end and its flaw; raises JSONDecodeError where it is no JSON."""
        self.flawed = False
        try:
            value, end = self.decoder.raw_decode(self.text, start)
        except RecursionError:
            return None, self._end(start), self._too_deep(start)
        opened = self.text.count("{", start, end) + self.text.count("[", start, end)
        if opened > LEVELS and levels(self.text, start, end) > LEVELS:
            return None, end, self._too_deep(start)
        if self.flawed:
            return None, end, self._find(start, end, _odd_number) or _Flaw(start, "valid JSON", "something else")
        if self.odd_escapes and (flaw := self._find(start, end, _odd_text)):
            return None, end, flaw
        return value, end, None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            self.flawed = True
        return value

    def _constant(self, constant: str) -> None:
        self.flawed = True

    def _number(self, digits: str) -> int | Decimal | None:
        try:
            return number(digits)
        except ValueError:
            self.flawed = True

    def _end(self, start: int) -> int:
        """Return the end of the value that begins at *start* by its brackets; that of the text where they stay open."""
        depth = 0
        for match in BRACKETS.finditer(self.text, start):
            if match[0] in "{[":
                depth += 1
            elif match[0] in "}]":
                depth -= 1
                if not depth:
                    return match.end()
        return len(self.text)

    def _too_deep(self, start: int) -> _Flaw:
        return _Flaw(start, f"at most {LEVELS} levels of objects and arrays in each other", "more")

    def _find(self, start: int, end: int, odd: Callable[[str], str]) -> _Flaw | None:
        """Return the first name that comes twice in its object, or other token that is odd."""
        names: list[set | None] = []  # those of each open object; None for an array
        naming = False
        for match in TOKEN.finditer(self.text, start, end):
            token = match.group()
            if wanted := odd(token):
                return _Flaw(match.start(), wanted, shown(token))
            if token in ("{", "["):
                names.append({"{": set(), "[": None}[token])
            elif token in ("}", "]"):
                names.pop()
            elif naming and token.startswith('"'):
                name = json.loads(token)
                if name in names[-1]:
                    return _Flaw(match.start(), "each name once in an object", shown(token))
                names[-1].add(name)
            naming = bool(names) and names[-1] is not None and token in ("{", ",")
        return None


class _Documents:
    def __init__(self, path: str | os.PathLike, text: str):
        self.path = path
        self.text = text
        self.values = _Values(text)

    def read(self) -> list[Document]:
        start = self._space(0)
        if start == len(self.text):
            raise ReadError(f"{self.path}: the file is empty; expected a JSON object, or an array of them.")
        if self.text[start] == "[":
            return self._array(start)
        read = self._value(start)
        end = read[1]
        if self._space(end) == len(self.text):
            return self._numbered([(start, *read)])
        if breaks(self.text[start:end].encode()) or not REST_OF_LINE.match(self.text, end):
            raise self._error(self._space(end), "the end of the file after the object, or one object a line")
        return self._lines()

    def _array(self, start: int) -> list[Document]:
        found, position = [], self._space(start + 1)
        if self.text[position : position + 1] != "]":
            while True:
                found.append((position, *self._value(position)))
                position = self._space(found[-1][2])
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
            read = self._value(position)
            end = read[1]
            if breaks(self.text[position:end].encode()):
                raise self._error(position, "an object that ends on the line it begins on, as those before it do")
            if not REST_OF_LINE.match(self.text, end):
                raise self._error(self._space(end), "the end of the line after the object")
            found.append((position, *read))
            position = self._space(end)
        return self._numbered(found)

    def _numbered(self, found: list[tuple[int, Any, int, _Flaw | None]]) -> list[Document]:
        documents, line, before = [], 1, 0
        for position, value, end, flaw in found:
            # Counted in pieces that end before a value, never between the CR and LF of one break.
            line, before = line + breaks(self.text[before:position].encode()), position
            place = len(documents) + 1
            if flaw:
                error = str(self._error(flaw.position, flaw.wanted, flaw.found))
                raw = self.text[position : min(end, position + MOST_RAW)]
                documents.append(Document(line, None, error, raw, place))
            else:
                documents.append(Document(line, value, place=place))
        if len({document.line for document in documents}) < len(documents):
            documents = [replace(document, line=document.place) for document in documents]
        return documents

    def _value(self, start: int) -> tuple[dict | None, int, _Flaw | None]:
        if self.text[start : start + 1] != "{":
            raise self._error(start, "a JSON object ({…})")
        try:
            return self.values.read(start)
        except json.JSONDecodeError as error:
            raise self._error(error.pos, WANTED.get(error.msg, "valid JSON")) from None

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


def _odd_number(token: str) -> str:
    if token in ("NaN", "Infinity", "-Infinity"):
        return "a number that JSON knows"
    if token[0] in "-0123456789":
        try:
            number(token)
        except ValueError as error:
            return str(error)
    return ""


def _odd_text(token: str) -> str:
    if token.startswith('"') and ODD_ESCAPE.search(token):
        text = json.loads(token)
        if "\0" in text:
            return "a text without NUL characters"
        if SURROGATE.search(text):
            return "a text of whole characters, not half a surrogate pair"
    return ""
