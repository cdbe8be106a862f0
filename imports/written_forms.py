"""How a column's file writes dates and numbers, if not as 1984-03-01 and 1234.5: declared by ``Column(written=...)``.

The exports of this site write ISO dates and plain numbers. A column accepts these too, because no declared form reads
one of them as another value.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from imports.cell_types import CellType, DateCell, FloatCell, IntegerCell

EXAMPLE = datetime.date(1984, 3, 1)


@dataclass(frozen=True)
class DateFormat:
    """Dates as ``datetime.strptime`` reads *format*, such as ``"%d/%m/%Y"``, with a year of four digits."""

    format: str

    def day(self, text: str) -> datetime.date | None:
        """Return the date for *text*, or None if it has another form."""
        try:
            return datetime.datetime.strptime(text, self.format).date()  # noqa: DTZ007 - only its day
        except ValueError:
            return None

    def plain(self, text: str) -> str:
        """Return the ISO date for *text*, or *text* itself if it has another form."""
        day = self.day(text)
        return day.isoformat() if day else text

    @property
    def example(self) -> str:
        return EXAMPLE.strftime(self.format)


@dataclass(frozen=True)
class NumberFormat:
    """Numbers with a separator of *thousands* (a comma, an apostrophe or a space), a *decimal* comma or a percent sign.

    ``12.5 %`` is stored as 12.5. A point cannot separate thousands: the plain number 1.234 would be read as 1234.
    """

    thousands: str = ""
    decimal: str = "."
    percent: bool = False

    def __post_init__(self) -> None:
        if self.thousands == "." or self.thousands == self.decimal:
            raise ImproperlyConfigured(
                f"{self.thousands!r} cannot separate thousands of a number with {self.decimal!r}."
            )

    def plain(self, text: str) -> str:
        """Return the number as Python writes it, or *text* itself if it has another form."""
        number = text.removesuffix("%").rstrip() if self.percent else text
        if self.thousands and self.thousands in number:
            if not re.fullmatch(self.grouped, number):
                return text
            number = number.replace(self.thousands, "")
        return number.replace(self.decimal, ".") if number.count(self.decimal) == 1 else number

    @property
    def grouped(self) -> str:
        """The regular expression of a number with separators between its thousands."""
        return rf"[+-]?[1-9][0-9]{{0,2}}(?:{re.escape(self.thousands)}[0-9]{{3}})+(?:{re.escape(self.decimal)}[0-9]*)?"

    @property
    def example(self) -> str:
        return f"1{self.thousands}234{self.decimal}5{'%' if self.percent else ''}"


WrittenForm = DateFormat | NumberFormat


@dataclass(frozen=True)
class WrittenCell(CellType):
    """A cell of another type, as the file writes it."""

    kind: CellType = CellType()  # noqa: RUF009 - it is frozen
    plain: Callable[[str], str] = str
    example: str = ""

    @property
    def type(self) -> Any:
        return self.kind.type

    @property
    def expected(self) -> str:
        return f"{self.kind.expected}, or {self.example}"

    def parse(self, text: str) -> Any:
        try:
            return self.kind.parse(self.plain(text))
        except ValueError as error:
            raise ValueError(str(error).replace(self.kind.expected, self.expected)) from None

    def refusal(self, value: Any) -> str:
        return self.kind.refusal(value)


def written_as(kind: CellType, form: WrittenForm) -> CellType:
    """Return the cell type *kind* for cells of *form*. Raises ImproperlyConfigured if they do not fit."""
    fitting = DateCell if isinstance(form, DateFormat) else (IntegerCell, FloatCell)
    if not isinstance(kind, fitting):
        raise ImproperlyConfigured(f"{form} does not fit a column whose cells are {kind.expected}.")
    return WrittenCell((), kind, form.plain, form.example)
