"""Choose the field of a column from its findings, each with the reason for the choice."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from imports.cell_types import LARGEST
from imports.new_dataset.examination import COMPACT, WRITTEN_NUMBERS, Examined
from imports.readers.headers import plain
from imports.written_forms import DateFormat, NumberFormat, WrittenForm

CODES = {
    *("phone", "tel", "telephone", "mobile", "fax", "zip", "zipcode", "postcode", "postal", "plz", "ssn", "isbn"),
    *("issn", "ean", "upc", "gtin", "fips", "barcode", "iban", "sku"),
}
YEARS = {"year", "yr", "years", "jahr", "annee", "anno"}
YES_NO = [("1", "0"), ("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f")]
UNITS = {
    **{"pct": "Percent", "percent": "Percent", "percentage": "Percent", "%": "Percent"},
    **{"kg": "Kilograms", "km": "Kilometres", "cm": "Centimetres", "mm": "Millimetres", "usd": "US dollars"},
    **{"celsius": "Degrees Celsius", "fahrenheit": "Degrees Fahrenheit", "mph": "Miles per hour"},
}
IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]{1,30})[)\]]\s*$")
LENGTHS = (20, 50, 100, 200, 500, 1000, 2000)
FEW, REPEATED = 6, 20  # the most values of choices, and how often each occurs on average
TERMS, TERM_REPEATED = 200, 5  # the same for vocabularies
LONGEST_CHOICE, LONGEST_TERM = 50, 100  # characters


@dataclass
class Choice:
    """The field for a column: its *kind* is the name of a class of fields, or Choice, Vocabulary or Reference."""

    heading: str
    kind: str
    reason: str
    null: bool = False
    length: int = 0
    values: list[str] = field(default_factory=list)
    written: WrittenForm | None = None
    yes: str = ""
    no: str = ""
    notes: list[str] = field(default_factory=list)  # sentences for the help text
    name: str = ""
    unique: bool = False
    to: str = ""  # of a Reference: the heading of the key, after the table's file

    @property
    def is_text(self) -> bool:
        return self.kind in ("CharField", "TextField", "Choice", "Vocabulary")


def words_of(heading: str) -> list[str]:
    """Return the words of a heading in lower case: ``HomePhone (1)`` has home, phone and 1."""
    return re.findall(r"[a-z]+|[0-9]+|%", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading).lower())


def choose(columns: list[Examined], kinds: dict[str, set[type]], *, terms: bool) -> tuple[list[Choice], list[str]]:
    """Return the choice for each column, and the markers of missing values that all of them share.

    *kinds* are the types of JSON values. *terms* is whether the source can have vocabularies.
    """
    typed = {column.heading: _typed(column, kinds.get(column.heading, set())) for column in columns}
    missing = {marker for column in columns if typed[column.heading] for marker in column.markers}
    chosen = [typed[column.heading] or _text(column, missing, terms=terms) for column in columns]
    for choice, column in zip(chosen, columns, strict=True):
        absent = column.empty + sum(column.markers[marker] for marker in missing)
        choice.null = absent > 0
        choice.reason += f", {absent:,} missing" if absent else ""
        choice.notes = [*_units(column.heading), *choice.notes, *(["Empty if unknown."] if choice.null else [])]
        choice.unique = column.unique and not absent
    return chosen, sorted(missing)


def _units(heading: str) -> Iterable[str]:
    if match := IN_BRACKETS.search(heading):
        text = match[1].strip()
        if not text.isdigit():  # the number of a repeated heading
            yield f"{UNITS.get(text.lower(), text)}."
            return
    named = [UNITS[word] for word in words_of(heading)[-1:] if word in UNITS]
    yield from (f"{unit}." for unit in named)


def _typed(column: Examined, kinds: set[type]) -> Choice | None:
    """Return the choice of a type other than text, or None."""
    heading = column.heading
    if kinds & {dict, list} or ({str, bool} <= kinds) or ({str, float} <= kinds and not column.has("number")):
        return Choice(heading, "JSONField", "objects, lists or values of several types")
    if kinds - {type(None)} == {str} and column.has("number"):
        return None
    if choice := _yes_no(column, is_bool=kinds - {type(None)} == {bool}):
        return choice
    if not column.known or _why_code(column):
        return None
    if "date" in words_of(heading) and column.dates == [COMPACT]:
        form = DateFormat(COMPACT)
        return Choice(heading, "DateField", f"dates written {COMPACT}", written=form, notes=["A day."])
    return _number(column) or _date(column) or _written_number(column)


def _yes_no(column: Examined, *, is_bool: bool) -> Choice | None:
    values = {value.lower() for value in column.values}
    for yes, no in YES_NO:
        if values == {yes, no} or (is_bool and values <= {yes, no} and values):
            default = (yes, no) in YES_NO[:3]
            yes, no = (next((v for v in column.values if v.lower() == value), value) for value in (yes, no))
            return Choice(
                column.heading,
                "BooleanField",
                f"only {no} and {yes} occur in {column.rows:,} rows",
                yes="" if default else yes,
                no="" if default else no,
            )
    return None


def _why_code(column: Examined) -> str:
    """Return why a column of digits is a code and not a number, or an empty string."""
    if column.has("digits") and not column.has("whole"):
        return "digits with leading zeros are a code"
    if column.has("digits") and CODES & set(words_of(column.heading)):
        return "the heading names a code"
    formatted = not column.has("number") and not column.dates and not column.short_years and not column.has("day")
    if column.has("telephone") and formatted and not any(column.has(form) for form in WRITTEN_NUMBERS):
        return "digits with separators, such as telephone numbers"
    return ""


def _number(column: Examined) -> Choice | None:
    if not column.has("number") or max(-column.least, column.most) > LARGEST:
        return None
    if not column.has("whole"):
        reason = f"numbers from {column.least:g} to {column.most:g}"
        return Choice(
            column.heading,
            "FloatField",
            reason,
            notes=[f"A number, from {column.least:g} to {column.most:g} in the file."],
        )
    if max(-column.least, column.most) >= 2**53:
        big = max(-column.least, column.most) < 2**63
        return (
            Choice(column.heading, "BigIntegerField", "long whole numbers", notes=["A whole number."]) if big else None
        )
    low, high = int(column.least), int(column.most)
    if YEARS & set(words_of(column.heading)) and 1000 <= low and high <= 2200:
        notes = [f"Year, from {low} to {high} in the file."]
        return Choice(column.heading, "IntegerField", f"years from {low} to {high}", notes=notes)
    kind = "IntegerField" if -(2**31) <= low and high < 2**31 else "BigIntegerField"
    notes = [f"A whole number, from {low} to {high} in the file."]
    return Choice(column.heading, kind, f"whole numbers from {low} to {high}", notes=notes)


def _date(column: Examined) -> Choice | None:
    formats = column.dates
    if not formats or _ambiguous(formats):
        return None
    form = None if formats[0] == "%Y-%m-%d" and column.has("day") else DateFormat(formats[0])
    reason = f"dates written {formats[0]}" if form else "dates"
    return Choice(column.heading, "DateField", reason, written=form, notes=["A day."])


def _ambiguous(formats: list[str]) -> bool:
    """Return whether a date could be read with its day before its month, and also after it."""
    order = {re.sub(r"[^dmb]", "", name.lower()) for name in formats if name[:2] in ("%d", "%m")}
    return {"dm", "md"} <= order


def _written_number(column: Examined) -> Choice | None:
    if column.has("percent"):
        form = NumberFormat(percent=True)
        return Choice(column.heading, "FloatField", "numbers with %", written=form, notes=["Percent."])
    fitting = [form for form in WRITTEN_NUMBERS if column.has(form)]
    if not fitting or _could_be_decimals(column):
        return None
    form = fitting[0]
    if form.thousands and column.has("groups"):
        reason = f"whole numbers written with {form.thousands!r} between thousands"
        return Choice(column.heading, "BigIntegerField", reason, written=form, notes=["A whole number."])
    return Choice(column.heading, "FloatField", f"numbers written as {form.example}", written=form, notes=["A number."])


def _could_be_decimals(column: Examined) -> bool:
    """Return whether each comma could separate thousands, or decimals."""
    return column.has(NumberFormat(",")) and column.has(NumberFormat("", ",")) and not column.short


def _why_text(column: Examined) -> str:
    """Return why the column is text although its values look like another type, or an empty string."""
    if reason := _why_code(column):
        return reason
    if column.known and _ambiguous(column.dates):
        return "ambiguous dates: each could be day/month or month/day"
    if column.known and column.short_years:
        return "dates without a century"
    if column.has("time"):
        return "dates with times are stored as text"
    if column.has("whole"):
        return "numbers with too many digits, or strings of digits"
    if any(column.has(form) for form in WRITTEN_NUMBERS) and _could_be_decimals(column):
        return "ambiguous numbers: the comma could separate thousands or decimals"
    return ""


def _text(column: Examined, missing: set[str], *, terms: bool) -> Choice:
    special = _why_text(column)
    values = sorted(value for value in column.values if value not in missing)
    count = sum(column.values[value] for value in values)
    longest = max(map(len, values), default=0)
    distinct = len({plain(value) for value in values}) == len(values) > 1 and all(map(plain, values))
    if distinct and not special:
        reason = f"{len(values)} values in {column.rows:,} rows"
        if len(values) <= FEW and count >= REPEATED * len(values) and longest <= LONGEST_CHOICE:
            return Choice(column.heading, "Choice", reason, length=_length(longest), values=values)
        if terms and len(values) <= TERMS and count >= TERM_REPEATED * len(values) and longest <= LONGEST_TERM:
            return Choice(column.heading, "Vocabulary", reason, length=longest, values=values)
    length = _length(column.longest)
    reason = special or (f"text of up to {column.longest} characters" if column.longest else "no values")
    return Choice(column.heading, "CharField" if length else "TextField", reason, length=length)


def _length(longest: int) -> int:
    """Return a round length of at least twice *longest*, or 0 if there is none."""
    return next((length for length in LENGTHS if length >= 2 * longest), 0)
