"""JSON with exact numbers: ints of any size, and Decimals where a float would not do; read and written here alone."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

# What a document from outside may hold; what is stored already is read whatever it is.
DIGITS = 64  # significant digits of a number
EXPONENT = 400  # of ten, either way
LEVELS = 64  # of objects and arrays in each other

NESTED = 100  # levels up to which stored JSON is decoded; below that, it stays text
NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
# A text without an end goes on to the end of all, lest each quote in it is tried as its begin.
BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
LARGEST = 2**63  # one more than the greatest whole number of 64 bits with a sign


class Undecoded:
    """A part of stored JSON that is nested too deep for Python to hold: its text, which is written as it is."""

    def __init__(self, text: str):
        self.text = text

    def __str__(self):
        return self.text

    def __eq__(self, other):
        return isinstance(other, Undecoded) and self.text == other.text

    def __hash__(self):
        return hash(self.text)


def number(digits: str) -> int | float | Decimal:
    """Return the number that JSON spells as *digits*; raises ValueError with what was expected of one out of bounds."""
    if len(digits) < 19 and digits.isdigit():
        return int(digits)
    whole, part, power = NUMBER.fullmatch(digits).groups()
    part = part or ""
    figures = (whole + part).strip("0")
    if len(figures) > DIGITS:
        raise ValueError(f"a number of at most {DIGITS} significant digits")
    exponent = int(power) if power and len(power.lstrip("+-0")) < 5 else EXPONENT + 1 if power else 0
    zeros = len(whole + part) - len((whole + part).lstrip("0"))
    first = len(whole) - 1 - zeros + exponent if figures else 0  # the power of ten of the first significant digit
    if abs(exponent) > EXPONENT or abs(first) > EXPONENT:
        raise ValueError(f"a number with an exponent from -{EXPONENT} to {EXPONENT}")
    if not part and not power:
        return int(digits)
    if not figures:
        return 0
    return _fraction(f"{'-' * digits.startswith('-')}{figures}E{first - len(figures) + 1}" if power else digits)


def _fraction(digits: str) -> int | float | Decimal:
    """Return the number that *digits* spell: a float where its own spelling is this number, to the last digit."""
    exact = Decimal(digits)
    if "e" in digits or "E" in digits:
        whole = int(exact) if exact.adjusted() <= 2 * EXPONENT else None
        if whole == exact:
            return whole
    rough = float(exact)
    return rough if isfinite(rough) and Decimal(repr(rough)) == exact else exact


def number_text(value: float | Decimal) -> str:
    """Return *value* in plain digits, as PostgreSQL spells it."""
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    return format(exact if exact else abs(exact), "f")


_stored = json.JSONDecoder(parse_float=_fraction)
_tolerant = json.JSONDecoder(parse_float=_fraction, parse_int=Decimal)


def loads(text: str | bytes) -> Any:
    """Return what stored JSON holds, with numbers as float where that is exact, else as Decimal.

    What is nested deeper than NESTED levels is Undecoded.
    """
    text = text.decode() if isinstance(text, bytes | bytearray | memoryview) else text
    if text.count("[") + text.count("{") > NESTED and levels(text) > NESTED:
        return _upper_levels(text)
    try:
        return _stored.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python makes no int of more than some thousand digits
        return _tolerant.decode(text)


def _upper_levels(text: str) -> Any:
    """Return what JSON holds down to NESTED levels; in the place of what is below, its text."""
    parts, below, depth, taken, begin = [], [], 0, 0, 0
    for match in BRACKETS.finditer(text):
        if match[0] in "{[":
            depth += 1
            begin = match.start() if depth == NESTED + 1 else begin
        elif match[0] in "}]":
            depth -= 1
            if depth == NESTED:
                parts += [text[taken:begin], f'"\\u0000{len(below)}"']  # no stored text has a NUL character
                below.append(Undecoded(text[begin : match.end()]))
                taken = match.end()
    return _put_back(_tolerant.decode("".join([*parts, text[taken:]])), below)


def _put_back(value: Any, below: list[Undecoded]) -> Any:
    match value:
        case dict():
            return {key: _put_back(one, below) for key, one in value.items()}
        case list():
            return [_put_back(one, below) for one in value]
        case str() if value.startswith("\0"):
            return below[int(value[1:])]
    return value


def levels(text: str, start: int = 0, end: int | None = None) -> int:
    """Return how many objects and arrays are open at once, at most, in a JSON text."""
    deepest = depth = 0
    for match in BRACKETS.finditer(text, start, len(text) if end is None else end):
        if match[0] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "}]":
            depth -= 1
    return deepest


def text(value: Any, pairs: Callable[[dict], Any] = dict.items) -> str:
    """Return *value* as JSON, with blanks between; *pairs* gives the items of an object in the order to write them."""
    match value:
        case str():
            return orjson.dumps(str(value)).decode()
        case dict():
            return "{" + ", ".join([f"{text(str(key), pairs)}: {text(one, pairs)}" for key, one in pairs(value)]) + "}"
        case list() | tuple():
            return "[" + ", ".join([text(one, pairs) for one in value]) + "]"
        case Decimal():
            return number_text(value)
        case float() if isfinite(value):
            return number_text(value)
        case Undecoded():
            return value.text
    return json.dumps(value)


def dumps(value: Any, *, indent: bool = False, default: Callable[[Any], Any] | None = None) -> bytes:
    """Return *value* as compact JSON in UTF-8; *default* makes something writable of what is not."""

    def exact(one: Any) -> Any:
        if isinstance(one, Decimal):
            return orjson.Fragment(number_text(one))
        if isinstance(one, Undecoded):
            return orjson.Fragment(one.text)
        if default is None:
            raise TypeError(f"{type(one).__name__} is not JSON")
        return default(one)

    option = orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    try:
        return orjson.dumps(value, default=exact, option=option)
    except TypeError:  # of a whole number beyond 64 bits, or too many levels
        return orjson.dumps(_in_parts(value, exact, 0), default=exact, option=option)


def _in_parts(value: Any, exact: Callable[[Any], Any], level: int) -> Any:
    """Return *value* with whole numbers that orjson does not write, and what is nested deep, as fragments."""
    match value:
        case dict():
            found = {key: _in_parts(one, exact, level + 1) for key, one in value.items()}
        case list() | tuple():
            found = [_in_parts(one, exact, level + 1) for one in value]
        case int() if not -LARGEST <= value < 2 * LARGEST:
            return orjson.Fragment(str(int(value)))
        case _:
            return value
    if level and level % NESTED == 0:
        return orjson.Fragment(orjson.dumps(found, default=exact, option=orjson.OPT_NON_STR_KEYS))
    return found


class Encoder(json.JSONEncoder):
    """What Django's JSON fields and forms write by."""

    def encode(self, o: Any) -> str:
        """Return *o* as JSON with exact numbers."""
        return text(o, (lambda found: sorted(found.items())) if self.sort_keys else dict.items)


class Decoder(json.JSONDecoder):
    """What Django's JSON fields read by."""

    def decode(self, s: str, *_) -> Any:
        """Return what *s* holds."""
        return loads(s)
