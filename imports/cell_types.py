"""Cell types: the valid cells for each type of model field, as a rule for one cell and for a whole column."""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
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

# EmailValidator accepts every address of this form. Other addresses are validated one by one.
PLAIN_EMAIL = (
    r"^[A-Za-z0-9_%+-]{1,32}(\.[A-Za-z0-9_%+-]{1,16}){0,2}"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,20}$"
)

# The first and last day that Python and both databases support, in days since 1970-01-01, as in Arrow.
FIRST_DAY, LAST_DAY = (day.toordinal() - 719_163 for day in (datetime.date.min, datetime.date.max))
LARGEST = 1e150  # PostgreSQL's avg() squares its sums; larger numbers would overflow in a view


@dataclass(frozen=True)
class CellType:
    """A type of cell.

    ``parse`` converts one cell and raises ValueError with the problem. ``convert`` converts a whole column. It raises
    pa.ArrowInvalid if a cell may be invalid, and then each cell is parsed separately.
    """

    validators: tuple[Callable[[Any], None], ...] = ()

    @property
    def type(self) -> pa.DataType:
        return pa.string()

    @property
    def expected(self) -> str:
        return "text"

    def parse(self, text: str) -> Any:
        raise NotImplementedError

    def convert(self, cells: pa.Array) -> pa.Array:
        raise pa.ArrowInvalid("parse each cell")

    def check(self, text: str) -> Any:
        """Return the value of *text*. Raises ValueError with a message that states the expected form."""
        value = self.parse(text)
        if refusal := self.refusal(value):
            raise ValueError(refusal)
        return value

    def refusal(self, value: Any) -> str:
        """Return the message of the first validator that rejects *value*, or an empty string."""
        for validator in self.validators:
            try:
                validator(value)
            except ValidationError as error:
                message = " ".join(error.messages).rstrip(".")
                return f"is not accepted: {message[:1].lower()}{message[1:]}"
        return ""

    def leave_to_validators(self) -> None:
        """Raise pa.ArrowInvalid if there are validators, because they check each value separately."""
        if self.validators:
            raise pa.ArrowInvalid("validators check each value")


@dataclass(frozen=True)
class IntegerCell(CellType):
    """An integer from ``minimum`` to ``maximum``."""

    minimum: int = -(2**63)
    maximum: int = 2**63 - 1

    type = pa.int64()

    @property
    def expected(self) -> str:
        if self.minimum <= -(2**31):
            return "a whole number"
        low, high = self.minimum, self.maximum
        return f"a whole number {f'from {low} to {high}' if high < 2**31 - 1 else f'of {low} or more'}"

    def parse(self, text: str) -> int:
        digits = text[1:] if text[:1] in ("+", "-") else text
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"is not {self.expected}")
        digits = digits.lstrip("0") or "0"
        value = int(digits[:20]) * (-1 if text[0] == "-" else 1)  # no limit has 20 digits
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"is out of range: expected {self.expected}")
        return value

    def convert(self, cells: pa.Array) -> pa.Array:
        if pc.any(pc.starts_with(cells, "0x", ignore_case=True)).as_py():
            raise pa.ArrowInvalid("Arrow accepts hexadecimal numbers")
        self.leave_to_validators()
        return _bounded(pc.cast(cells, self.type), self.minimum, self.maximum)


@dataclass(frozen=True)
class FloatCell(CellType):
    """A finite number from ``minimum`` to ``maximum``, with or without decimals."""

    minimum: float = -LARGEST
    maximum: float = LARGEST

    type = pa.float64()

    @property
    def expected(self) -> str:
        bounds = {"at least": self.minimum, "at most": self.maximum}.items()
        limits = " and ".join(f"{word} {bound:g}" for word, bound in bounds if abs(bound) < LARGEST)
        return f"a number of {limits}" if limits else "a number"

    def parse(self, text: str) -> float:
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(f"is not {self.expected}")
        if not self.minimum <= value <= self.maximum:
            expected = self.expected if abs(value) <= LARGEST else f"a number from -{LARGEST:g} to {LARGEST:g}"
            raise ValueError(f"is out of range: expected {expected}")
        return value + 0.0  # -0.0 is 0.0

    def convert(self, cells: pa.Array) -> pa.Array:
        self.leave_to_validators()
        numbers = pc.cast(cells, self.type)
        if not pc.all(pc.is_finite(numbers)).as_py() and numbers.null_count < len(numbers):
            raise pa.ArrowInvalid("not finite")
        return pc.add(_bounded(numbers, self.minimum, self.maximum), 0.0)


@dataclass(frozen=True)
class DateCell(CellType):
    """An ISO 8601 date (year-month-day). Validators check the limits, because a limit may be the current date."""

    type = pa.date32()
    expected = "a date written year-month-day, such as 1984-03-01"

    def parse(self, text: str) -> datetime.date:
        try:
            if len(text) != 10 or text[4] != "-" or text[7] != "-":  # fromisoformat also accepts ISO weeks
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
class TextCell(CellType):
    """Text of up to ``max_length`` characters. Text that matches ``fast_pattern`` passes all validators."""

    max_length: int | None = None
    fast_pattern: str | None = None

    @property
    def expected(self) -> str:
        return f"text of at most {self.max_length} characters" if self.max_length else "text"

    def parse(self, text: str) -> str:
        if "\0" in text:
            raise ValueError("contains a NUL character, which text cannot contain")
        if self.max_length and len(text) > self.max_length:
            raise ValueError(f"is too long ({len(text)} characters): expected {self.expected}")
        return text

    def convert(self, cells: pa.Array) -> pa.Array:
        if self.max_length and (pc.max(pc.utf8_length(cells)).as_py() or 0) > self.max_length:
            raise pa.ArrowInvalid("too long")
        if not (self.fast_pattern and pc.all(pc.match_substring_regex(cells, self.fast_pattern)).as_py()):
            self.leave_to_validators()
        return cells


@dataclass(frozen=True)
class ListCell(TextCell):
    """Several values in one cell, joined by a separator. A Many column splits them."""

    of: str = "text"
    separator: str = ";"

    @property
    def expected(self) -> str:
        return f"{self.of}, or several separated by {self.separator}"


@dataclass(frozen=True)
class ChoiceCell(CellType):
    """One of a few values, each with its accepted spellings. Case is ignored."""

    values: tuple[tuple[str, Any], ...] = ()  # spelling in lower case, and value
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


@dataclass(frozen=True)
class DocumentCell(CellType):
    """A JSON document, stored as text with its keys in their original order and its numbers exact."""

    expected = "a JSON document"

    def parse(self, text: str) -> str:
        return kept(text)

    def refusal(self, value: str) -> str:
        return super().refusal(exact_json.loads(value)) if self.validators else ""


def kind_of(field: models.Field[Any, Any], spellings: Mapping[Any, Sequence[str]] | None = None) -> CellType:
    """Return the cell type for *field*.

    *spellings* adds accepted spellings of a choice or a boolean. Raises ImproperlyConfigured for an unsupported field.
    """
    if spellings or field.choices or isinstance(field, models.BooleanField):
        return _choice_cell(field, spellings or {})
    validators = [v for v in field.validators if not isinstance(v, ProhibitNullCharactersValidator)]
    rest = tuple(v for v in validators if not isinstance(v, MinValueValidator | MaxValueValidator | MaxLengthValidator))
    limits = [v for v in validators if isinstance(v, MinValueValidator | MaxValueValidator)]
    minimum = [v.limit_value for v in limits if isinstance(v, MinValueValidator)]
    maximum = [v.limit_value for v in limits if isinstance(v, MaxValueValidator)]
    match field:
        case models.IntegerField():
            low, high = connection.ops.integer_field_range(field.get_internal_type())
            # SQLite stores 64-bit integers in any field, so PostgreSQL's limits are applied on both databases.
            bits = 63 if "Big" in field.get_internal_type() else 15 if "Small" in field.get_internal_type() else 31
            low = max(-(2**bits), -(2**63) if low is None else low)
            high = min(2**bits - 1, 2**63 - 1 if high is None else high)
            return IntegerCell(rest, max([low, *minimum]), min([high, *maximum]))
        case models.FloatField():
            return FloatCell(rest, max([-LARGEST, *minimum]), min([LARGEST, *maximum]))
        case models.DateField() if not isinstance(field, models.DateTimeField):
            return DateCell(rest + tuple(limits))
        case models.JSONField():
            return DocumentCell(rest)
        case models.CharField() | models.TextField():
            return TextCell(rest, field.max_length, PLAIN_EMAIL if list(map(type, rest)) == [EmailValidator] else None)
    raise ImproperlyConfigured(f"imports/cell_types.py has no cell type for {field}, a {type(field).__name__}.")


def _choice_cell(field: models.Field[Any, Any], spellings: Mapping[Any, Sequence[str]]) -> ChoiceCell:
    if isinstance(field, models.BooleanField):
        named = {
            value: (*spellings.get(value, default), default[0])  # the last one is used in exports
            for value, default in ((True, ("true", "yes", "1")), (False, ("false", "no", "0")))
        }
        kind = pa.bool_()
    else:
        labels = dict(field.flatchoices)
        named = {value: (label, str(value), *spellings.get(value, ())) for value, label in labels.items()}
        kind = pa.int64() if isinstance(field, models.IntegerField) else pa.string()
    pairs = tuple((str(name).lower(), value) for value, names in named.items() for name in names)
    return ChoiceCell((), pairs, kind, " or ".join(str(names[0]) for names in named.values()))


def _bounded(values: pa.Array, minimum: Any, maximum: Any) -> pa.Array:
    range_ = pc.min_max(values)
    if range_["min"].is_valid and (range_["min"].as_py() < minimum or range_["max"].as_py() > maximum):
        raise pa.ArrowInvalid("out of range")
    return values
