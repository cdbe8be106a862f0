"""Parse and validate JSON values in a string, with the rules for documents in files and forms."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from datasets import exact_json
from datasets.exact_json import BRACKETS, LEVELS, levels, number
from datasets.text import match_end, shown

SPACE = re.compile(r"[ \t\r\n]*")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
ODD_ESCAPE = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)  # a NUL character or half of a surrogate pair
SURROGATE = re.compile("[\ud800-\udfff]")

# The json module's messages, with the expected text for each.
WANTED = {
    "Expecting value": "a value",
    "Expecting property name enclosed in double quotes": "a name in double quotes",
    "Expecting ':' delimiter": "a colon",
    "Expecting ',' delimiter": "a comma or a closing bracket",
    "Illegal trailing comma before end of object": "no comma before the closing bracket",
    "Illegal trailing comma before end of array": "no comma before the closing bracket",
    "Unterminated string starting at": "a closing quote for the string that begins here",
    "Invalid control character at": "escapes, such as \\n, for line breaks and control characters in a string",
    "Invalid \\escape": "a valid JSON escape after the backslash",
    "Invalid \\uXXXX escape": "four hexadecimal digits after \\u",
}


@dataclass(frozen=True)
class Flaw:
    """A problem of a JSON value: position, expected text, and the token found (None: the text at *position*)."""

    position: int
    wanted: str
    found: str | None = None


def kept(text: str) -> str:
    """Return JSON text normalized for storage, with numbers in digits without an exponent.

    Raises ValueError with the problem.
    """
    try:
        value, end, flaw = Values(text).read(match_end(SPACE, text, 0))
        if match_end(SPACE, text, end) < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not a JSON document ({error})") from None
    if flaw:
        raise ValueError(f"is not accepted: expected {flaw.wanted}, found {flaw.found}")
    return exact_json.text(value)


class Values:
    """Parses JSON values at given positions of a string, and reports their problems."""

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

    def read(self, start: int) -> tuple[Any, int, Flaw | None]:
        """Return the value that begins at *start*, its end and its problem. Raises JSONDecodeError for invalid JSON."""
        self.flawed = False
        try:
            value, end = self.decoder.raw_decode(self.text, start)
        except RecursionError:
            return None, self._end(start), self._too_deep(start)
        opened = self.text.count("{", start, end) + self.text.count("[", start, end)
        if opened > LEVELS and levels(self.text, start, end) > LEVELS:
            return None, end, self._too_deep(start)
        if self.flawed:
            return None, end, self._find(start, end, _odd_number) or Flaw(start, "valid JSON", "something else")
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

    def _number(self, digits: str) -> int | float | Decimal | None:
        try:
            return number(digits)
        except ValueError:
            self.flawed = True
            return None

    def _end(self, start: int) -> int:
        """Return the end of the value at *start*, based on its brackets, or the text's end if they are unclosed."""
        depth = 0
        for match in BRACKETS.finditer(self.text, start):
            if match[0] in "{[":
                depth += 1
            elif match[0] in "}]":
                depth -= 1
                if not depth:
                    return match.end()
        return len(self.text)

    def _too_deep(self, start: int) -> Flaw:
        return Flaw(start, f"at most {LEVELS} levels of nested objects and arrays", "more")

    def _find(self, start: int, end: int, odd: Callable[[str], str]) -> Flaw | None:
        """Return the first duplicate name of an object, or the first token that *odd* reports."""
        names: list[set[str] | None] = []  # the names in each open object, or None for an array
        naming: set[str] | None = None  # the names in the object whose next token is a name
        for match in TOKEN.finditer(self.text, start, end):
            token = match.group()
            if wanted := odd(token):
                return Flaw(match.start(), wanted, shown(token))
            if token in ("{", "["):
                names.append(set() if token.startswith("{") else None)
            elif token in ("}", "]"):
                names.pop()
            elif naming is not None and token.startswith('"'):
                name = json.loads(token)
                if name in naming:
                    return Flaw(match.start(), "each name once in an object", shown(token))
                naming.add(name)
            naming = names[-1] if names and token in ("{", ",") else None
        return None


def _odd_number(token: str) -> str:
    if token in ("NaN", "Infinity", "-Infinity"):
        return "a JSON number"
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
            return "a string without NUL characters"
        if SURROGATE.search(text):
            return "a string without unpaired surrogates"
    return ""
