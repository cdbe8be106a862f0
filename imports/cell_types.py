"""What a cell may hold: a Kind for each type of model field, said once for a cell and once for a whole column."""

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import (
    EmailValidator,
    MaxLengthValidator,
    MaxValueValidator,
    MinValueValidator,
    ProhibitNullCharactersValidator,
)
from django.db import connection, models

from datasets import exact_json
from datasets.json_values import kept

# Addresses of this plain shape EmailValidator accepts; all others are shown to it one by one.
PLAIN_EMAIL = (
    r"^[A-Za-z0-9_%+-]{1,32}(\.[A-Za-z0-9_%+-]{1,16}){0,2}"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,20}$"
)

# The first and last day that Python and both engines know, in days from 1970-01-01, as Arrow counts them.
FIRST_DAY, LAST_DAY = (day.toordinal() - 719_163 for day in (datetime.date.min, datetime.date.max))
LARGEST = 1e150  # of a number: PostgreSQL's avg() squares what it adds up, and no cell is to break a view


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    ``parse`` is the rule for one cell and raises ValueError with what is wrong. ``convert`` is the same rule for a
    column whose cells all fit; it raises pa.ArrowInvalid where one might not, and each is then parsed by itself.
    """

    validators: tuple[Callable[[Any], None], ...] = ()

    type = pa.string()
    expected = "text"

    def parse(self, text: str) -> Any:
        raise NotImplementedError

    def convert(self, cells: pa.Array) -> pa.Array:
        raise NotImplementedError

    def check(self, text: str) -> Any:
        """Return what *text* stands for; raises ValueError that says what was expected."""
        value = self.parse(text)
        if refusal := self.refusal(value):
            raise ValueError(refusal)
        return value

    def refusal(self, value: Any) -> str:
        """Return what the first validator that does not accept *value* has against it."""
        for validator in self.validators:
            try:
                validator(value)
            except ValidationError as error:
                message = " ".join(error.messages).rstrip(".")
                return f"is not accepted: {message[:1].lower()}{message[1:]}"
        return ""

    def leave_to_validators(self) -> None:
        """Raise pa.ArrowInvalid where validators want to see each value."""
        if self.validators:
            raise pa.ArrowInvalid("for the validators to see")


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number; both bounds count."""

    least: int = -(2**63)
    most: int = 2**63 - 1

    type = pa.int64()

    @property
    def expected(self) -> str:
        if self.least <= -(2**31):
            return "a whole number"
        return f"a whole number from {self.least}" + (f" to {self.most}" if self.most < 2**31 - 1 else " up")

    def parse(self, text: str) -> int:
        digits = text[1:] if text[:1] in ("+", "-") else text
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"is not {self.expected}")
        digits = digits.lstrip("0") or "0"
        value = int(digits[:20]) * (-1 if text[0] == "-" else 1)  # twenty digits are more than any bound has
        if not self.least <= value <= self.most:
            raise ValueError(f"is out of range: expected {self.expected}")
        return value

    def convert(self, cells: pa.Array) -> pa.Array:
        if pc.any(pc.starts_with(cells, "0x", ignore_case=True)).as_py():
            raise pa.ArrowInvalid("Arrow would read hexadecimal")
        self.leave_to_validators()
        return _bounded(pc.cast(cells, self.type), self.least, self.most)


@dataclass(frozen=True)
class Number(Kind):
    """A number that may have decimals; never NaN, infinite, or beyond what can be averaged."""

    least: float = -LARGEST
    most: float = LARGEST

    type = pa.float64()

    @property
    def expected(self) -> str:
        bounds = {"at least": self.least, "at most": self.most}.items()
        told = " and ".join(f"{word} {bound:g}" for word, bound in bounds if abs(bound) < LARGEST)
        return f"a number of {told}" if told else "a number"

    def parse(self, text: str) -> float:
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(f"is not {self.expected}")
        if not self.least <= value <= self.most:
            expected = self.expected if abs(value) <= LARGEST else f"a number from -{LARGEST:g} to {LARGEST:g}"
            raise ValueError(f"is out of range: expected {expected}")
        return value + 0.0  # -0.0 is 0.0

    def convert(self, cells: pa.Array) -> pa.Array:
        self.leave_to_validators()
        numbers = pc.cast(cells, self.type)
        if not pc.all(pc.is_finite(numbers)).as_py() and numbers.null_count < len(numbers):
            raise pa.ArrowInvalid("not finite")
        return pc.add(_bounded(numbers, self.least, self.most), 0.0)


@dataclass(frozen=True)
class Day(Kind):
    """A date written year-month-day, as ISO 8601 has it; limits are left to validators, for one may be today."""

    type = pa.date32()
    expected = "a date written year-month-day, such as 1984-03-01"

    def parse(self, text: str) -> datetime.date:
        try:
            if len(text) != 10 or text[4] != "-" or text[7] != "-":  # it may also be a week and a day of it
                raise ValueError
            return datetime.date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"is not {self.expected}") from None

    def convert(self, cells: pa.Array) -> pa.Array:
        days = pc.cast(cells, self.type)
        _bounded(pc.cast(days, pa.int32()), FIRST_DAY, LAST_DAY)
        if not all(isinstance(validator, MinValueValidator | MaxValueValidator) for validator in self.validators):
            self.leave_to_validators()
        for end in pc.min_max(days).as_py().values():
            if end is not None and self.refusal(end):
                raise pa.ArrowInvalid("out of range")
        return days


@dataclass(frozen=True)
class Text(Kind):
    """Text up to a number of characters; with a pattern, of which every match is known to fit its validators."""

    longest: int | None = None
    plain: str | None = None

    @property
    def expected(self) -> str:
        return f"text of at most {self.longest} characters" if self.longest else "text"

    def parse(self, text: str) -> str:
        if "\0" in text:
            raise ValueError("holds a NUL character, which no text can")
        if self.longest and len(text) > self.longest:
            raise ValueError(f"is too long ({len(text)} characters): expected {self.expected}")
        return text

    def convert(self, cells: pa.Array) -> pa.Array:
        if self.longest and (pc.max(pc.utf8_length(cells)).as_py() or 0) > self.longest:
            raise pa.ArrowInvalid("too long")
        if not (self.plain and pc.all(pc.match_substring_regex(cells, self.plain)).as_py()):
            self.leave_to_validators()
        return cells


@dataclass(frozen=True)
class Several(Text):
    """Several values in one text; the reader of the column takes them apart."""

    of: str = "text"
    separator: str = ";"

    @property
    def expected(self) -> str:
        return f"{self.of}, or several with {self.separator} between"


@dataclass(frozen=True)
class Spelled(Kind):
    """One of a few values, each with its spellings; capitals do not matter."""

    values: tuple[tuple[str, Any], ...] = ()  # spelling in lower case, value
    arrow_type: pa.DataType = pa.string()
    shown: str = ""

    @property
    def type(self) -> pa.DataType:
        return self.arrow_type

    @property
    def expected(self) -> str:
        return f"one of {self.shown}"

    def parse(self, text: str) -> Any:
        for spelling, value in self.values:
            if spelling == text.lower():
                return value
        raise ValueError(f"is not {self.expected}")

    def convert(self, cells: pa.Array) -> pa.Array:
        raise pa.ArrowInvalid("a handful of values, parsed each once")


@dataclass(frozen=True)
class Document(Kind):
    """A JSON document, kept as text with its keys in their order and its numbers exact."""

    expected = "a JSON document"

    def parse(self, text: str) -> str:
        return kept(text)

    def refusal(self, value: str) -> str:
        return super().refusal(exact_json.loads(value)) if self.validators else ""

    def convert(self, cells: pa.Array) -> pa.Array:
        raise pa.ArrowInvalid("parsed one by one")


def kind_of(field: models.Field, spellings: dict[Any, tuple[str, ...]] | None = None) -> Kind:
    """Return the Kind that *field* asks for; *spellings* adds ways to write a choice or a yes and no.

    Raises ImproperlyConfigured for a field that no file has filled yet.
    """
    if spellings or field.choices or isinstance(field, models.BooleanField):
        return _spelled(field, spellings or {})
    validators = [v for v in field.validators if not isinstance(v, ProhibitNullCharactersValidator)]
    rest = tuple(v for v in validators if not isinstance(v, MinValueValidator | MaxValueValidator | MaxLengthValidator))
    limits = [v for v in validators if isinstance(v, MinValueValidator | MaxValueValidator)]
    least = [v.limit_value for v in limits if isinstance(v, MinValueValidator)]
    most = [v.limit_value for v in limits if isinstance(v, MaxValueValidator)]
    match field:
        case models.IntegerField():
            low, high = connection.ops.integer_field_range(field.get_internal_type())
            # SQLite keeps 64 bits whatever the field; what it takes PostgreSQL must take too.
            bits = 63 if "Big" in field.get_internal_type() else 15 if "Small" in field.get_internal_type() else 31
            low = max(-(2**bits), -(2**63) if low is None else low)
            high = min(2**bits - 1, 2**63 - 1 if high is None else high)
            return Whole(rest, max([low, *least]), min([high, *most]))
        case models.FloatField():
            return Number(rest, max([-LARGEST, *least]), min([LARGEST, *most]))
        case models.DateField() if not isinstance(field, models.DateTimeField):
            return Day(rest + tuple(limits))
        case models.JSONField():
            return Document(rest)
        case models.CharField() | models.TextField():
            return Text(rest, field.max_length, PLAIN_EMAIL if [type(v) for v in rest] == [EmailValidator] else None)
    raise ImproperlyConfigured(f"{field} is a {type(field).__name__}, for which imports/cell_types.py has no Kind yet.")


def _spelled(field: models.Field, spellings: dict[Any, tuple[str, ...]]) -> Spelled:
    if isinstance(field, models.BooleanField):
        named = {
            value: (*spellings.get(value, default), default[0])  # the last is how an export has it
            for value, default in ((True, ("true", "yes", "1")), (False, ("false", "no", "0")))
        }
        kind = pa.bool_()
    else:
        labels = dict(field.flatchoices)
        named = {value: (label, str(value), *spellings.get(value, ())) for value, label in labels.items()}
        kind = pa.int64() if isinstance(field, models.IntegerField) else pa.string()
    pairs = tuple((str(name).lower(), value) for value, names in named.items() for name in names)
    return Spelled((), pairs, kind, " or ".join(str(names[0]) for names in named.values()))


def _bounded(values: pa.Array, least: Any, most: Any) -> pa.Array:
    found = pc.min_max(values)
    if found["min"].is_valid and (found["min"].as_py() < least or found["max"].as_py() > most):
        raise pa.ArrowInvalid("out of range")
    return values
