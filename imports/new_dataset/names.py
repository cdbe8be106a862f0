"""Names for the files, tables, fields and classes of a new dataset: valid, distinct, and used by nothing else."""

import importlib.util
import keyword
import re
import sys
import unicodedata
from collections.abc import Collection

from django.apps import apps

from datasets.reserved_names import reserved

LONGEST_FIELD, LONGEST_TABLE = 28, 24  # with the names of constraints, at most 63 characters in PostgreSQL
# Names in the generated modules.
CLASSES = {
    *("Record", "ContentRecord", "Vocabulary", "Listing", "Column", "VocabularyColumn", "Reference", "CSVSource"),
    *("JSONRecords", "DateFormat", "NumberFormat", "Meta", "None", "True", "False", "MaterializedView"),
}


class AppNameError(Exception):
    """A name that a dataset cannot have, and why."""


def words(text: str) -> list[str]:
    """Return the words of *text* in lower-case ASCII letters and digits."""
    letters = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text)).casefold()
    return re.findall(r"[a-z0-9]+", "".join(c for c in letters if not unicodedata.combining(c)))


def field_names(headings: list[str], thing: str, *, allowed: Collection[str] = ()) -> list[str]:
    """Return a field name for each heading. *thing* is added to reserved names, except those that are *allowed*."""
    taken: set[str] = {"id"} - set(allowed)
    names = []
    for position, heading in enumerate(headings, 1):
        name = _cut("_".join(words(heading)), LONGEST_FIELD) or f"column_{position}"
        if name[0].isdigit():
            name = _cut(f"column_{name}", LONGEST_FIELD)
        if name in taken or (reserved(name) and name not in allowed):
            name = _cut(f"{thing}_{name}", LONGEST_FIELD)
        name = _distinct(f"column_{name}" if reserved(name) and name not in allowed else name, taken, LONGEST_FIELD)
        names.append(name)
        taken |= {name, f"{name}_id"}
    return names


def table_name(text: str, taken: Collection[str]) -> str:
    name = _cut("_".join(words(text)), LONGEST_TABLE) or "records"
    name = f"table_{name}"[:LONGEST_TABLE] if name[0].isdigit() else name
    return _distinct(name, taken, LONGEST_TABLE)


def class_name(text: str, taken: set[str]) -> str:
    """Return a class name in the singular, and add it to *taken*."""
    parts = words(text) or ["record"]
    parts[-1] = singular(parts[-1])
    name = "".join(part.capitalize() for part in parts)
    name = f"Table{name}" if name[0].isdigit() else name
    if name in CLASSES or keyword.iskeyword(name):
        name += "Row"
    name = _distinct(name, taken, 60)
    taken.add(name)
    return name


def singular(word: str) -> str:
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending) + replacement
    return word


def member_names(values: list[str]) -> list[str]:
    """Return a name for each value of choices."""
    taken: set[str] = set()
    names = []
    for value in values:
        name = _cut("_".join(words(value)), 40).upper() or "VALUE"
        name = f"VALUE_{name}" if name[0].isdigit() or keyword.iskeyword(name.lower()) else name
        name = _distinct(name, taken, 44)
        names.append(name)
        taken.add(name)
    return names


def check_app_name(name: str) -> None:
    """Raise AppNameError if *name* cannot be the name of a new app."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > LONGEST_TABLE:
        problem = f"expected at most {LONGEST_TABLE} lower-case letters, digits and single underscores"
    elif keyword.iskeyword(name) or keyword.issoftkeyword(name):
        problem = "it is a keyword of Python"
    elif name in {app.label for app in apps.get_app_configs()}:
        problem = "an app has this name"
    elif name in sys.stdlib_module_names or importlib.util.find_spec(name) is not None:
        problem = "a package of Python or of this project has this name"
    elif name in ("schema", "docs", "auth", "static", "media", "metrics", "health"):
        problem = "an address of the site begins with it"
    else:
        return
    raise AppNameError(f"{name} cannot be the name of a dataset: {problem}. Use a name such as wines.")


def _cut(name: str, length: int) -> str:
    return name[:length].strip("_")


def _distinct(name: str, taken: Collection[str], length: int) -> str:
    number, distinct = 1, name
    while distinct in taken or f"{distinct}_id" in taken:
        number += 1
        distinct = f"{name[: length - len(str(number)) - 1].rstrip('_')}_{number}"
    return distinct
