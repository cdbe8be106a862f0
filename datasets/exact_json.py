"""Read and write JSON with exact numbers: ints of any size, and Decimals for numbers that floats cannot represent."""

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

# Limits for new documents. Stored documents have no limits.
DIGITS = 64  # maximum number of significant digits
EXPONENT = 400  # maximum absolute power of ten
LEVELS = 64  # maximum nesting of objects and arrays

NESTED = 100  # levels of stored JSON to decode; deeper parts remain text
NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
# An unclosed string extends to the end of the text, so the search does not start again at each quote in it.
BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
LARGEST = 2**63  # the largest signed 64-bit integer plus 1


class Undecoded:
    """A part of stored JSON that is nested too deeply to decode. Its text is kept and written unchanged."""

    def __init__(self, text: str):
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undecoded) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def number(digits: str) -> int | float | Decimal:
    """Return the JSON number *digits*.

    Raises ValueError for a number out of bounds, with the expected value as its message.
    """
    if len(digits) < 19 and digits.isdigit():
        return int(digits)
    match = NUMBER.fullmatch(digits)
    if match is None:
        raise ValueError("a number")
    whole, part, power = match.groups("")
    figures = (whole + part).strip("0")
    if len(figures) > DIGITS:
        raise ValueError(f"a number of at most {DIGITS} significant digits")
    exponent = int(power) if power and len(power.lstrip("+-0")) < 5 else EXPONENT + 1 if power else 0
    zeros = len(whole + part) - len((whole + part).lstrip("0"))
    first = len(whole) - 1 - zeros + exponent if figures else 0  # the exponent of the first significant digit
    if abs(exponent) > EXPONENT or abs(first) > EXPONENT:
        raise ValueError(f"a number with an exponent from -{EXPONENT} to {EXPONENT}")
    if not part and not power:
        return int(digits)
    if not figures:
        return 0
    return _fraction(f"{'-' * digits.startswith('-')}{figures}E{first - len(figures) + 1}" if power else digits)


def _fraction(digits: str) -> int | float | Decimal:
    """Return the number *digits* as a float if the float is exact, or else as an int or a Decimal."""
    exact = Decimal(digits)
    if "e" in digits or "E" in digits:
        if exact.adjusted() <= 2 * EXPONENT and (whole := int(exact)) == exact:
            return whole
    rough = float(exact)
    return rough if isfinite(rough) and Decimal(repr(rough)) == exact else exact


def number_text(value: float | Decimal) -> str:
    """Return *value* in digits without an exponent, as PostgreSQL writes it."""
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    return format(exact if exact else abs(exact), "f")


_stored = json.JSONDecoder(parse_float=_fraction)
_tolerant = json.JSONDecoder(parse_float=_fraction, parse_int=Decimal)


def loads(text: str | bytes) -> Any:
    """Decode stored JSON.

    Numbers become floats if that is exact, and otherwise Decimals. Parts nested deeper than NESTED levels become
    Undecoded.
    """
    text = text.decode() if isinstance(text, bytes | bytearray | memoryview) else text
    if text.count("[") + text.count("{") > NESTED and levels(text) > NESTED:
        return _upper_levels(text)
    try:
        return _stored.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python limits the number of digits of an int
        return _tolerant.decode(text)


def _upper_levels(text: str) -> Any:
    """Decode JSON down to NESTED levels. Deeper parts become Undecoded."""
    parts: list[str] = []
    below: list[Undecoded] = []
    depth = end = begin = 0
    for match in BRACKETS.finditer(text):
        if match[0] in "{[":
            depth += 1
            begin = match.start() if depth == NESTED + 1 else begin
        elif match[0] in "}]":
            depth -= 1
            if depth == NESTED:
                parts += [text[end:begin], f'"\\u0000{len(below)}"']  # stored text never contains a NUL character
                below.append(Undecoded(text[begin : match.end()]))
                end = match.end()
    return _put_back(_tolerant.decode("".join([*parts, text[end:]])), below)


def _put_back(value: Any, below: list[Undecoded]) -> Any:
    match value:
        case dict():
            return {key: _put_back(item, below) for key, item in value.items()}
        case list():
            return [_put_back(item, below) for item in value]
        case str() if value.startswith("\0"):
            return below[int(value[1:])]
    return value


def levels(text: str, start: int = 0, end: int | None = None) -> int:
    """Return the maximum nesting depth of objects and arrays in JSON text."""
    deepest = depth = 0
    for match in BRACKETS.finditer(text, start, len(text) if end is None else end):
        if match[0] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "}]":
            depth -= 1
    return deepest


def text(value: Any, pairs: Callable[[dict[str, Any]], Iterable[tuple[str, Any]]] = dict.items) -> str:
    """Return *value* as JSON with spaces after commas and colons. *pairs* returns the items of an object in order."""
    match value:
        case str():
            return orjson.dumps(str(value)).decode()
        case dict():
            return (
                "{" + ", ".join([f"{text(str(key), pairs)}: {text(item, pairs)}" for key, item in pairs(value)]) + "}"
            )
        case list() | tuple():
            return "[" + ", ".join([text(item, pairs) for item in value]) + "]"
        case Decimal():
            return number_text(value)
        case float() if isfinite(value):
            return number_text(value)
        case Undecoded():
            return value.text
    return json.dumps(value)


def dumps(value: Any, *, indent: bool = False, default: Callable[[Any], Any] | None = None) -> bytes:
    """Return *value* as compact JSON in UTF-8. *default* converts objects that JSON does not support."""

    def exact(item: Any) -> Any:
        if isinstance(item, Decimal):
            return orjson.Fragment(number_text(item))
        if isinstance(item, Undecoded):
            return orjson.Fragment(item.text)
        if default is None:
            raise TypeError(f"{type(item).__name__} is not JSON serializable")
        return default(item)

    option = orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    try:
        return orjson.dumps(value, default=exact, option=option)
    except TypeError:  # an integer of more than 64 bits, or too many levels
        return orjson.dumps(_in_parts(value, exact, 0), default=exact, option=option)


def _in_parts(value: Any, exact: Callable[[Any], Any], level: int) -> Any:
    """Return *value* with JSON fragments for large integers and deeply nested parts, which orjson cannot write."""
    match value:
        case dict():
            parts: Any = {key: _in_parts(item, exact, level + 1) for key, item in value.items()}
        case list() | tuple():
            parts = [_in_parts(item, exact, level + 1) for item in value]
        case int() if not -LARGEST <= value < 2 * LARGEST:
            return orjson.Fragment(str(int(value)))
        case _:
            return value
    if level and level % NESTED == 0:
        return orjson.Fragment(orjson.dumps(parts, default=exact, option=orjson.OPT_NON_STR_KEYS))
    return parts


class Encoder(json.JSONEncoder):
    """The JSON encoder of model and form fields."""

    def encode(self, o: Any) -> str:
        """Return *o* as JSON with exact numbers."""
        return text(o, (lambda items: sorted(items.items())) if self.sort_keys else dict.items)


class Decoder(json.JSONDecoder):
    """The JSON decoder of model and form fields."""

    def decode(self, s: str, *_: Any) -> Any:
        """Decode *s* with :func:`loads`."""
        return loads(s)
