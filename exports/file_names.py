"""Names of exported files: table, filters and day, such as ``census-respondents_age-from-30_2026-11-28``."""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date

from django.db import models
from django.utils import timezone

from datasets.matviews import summary_of
from datasets.query_values import listed
from datasets.records.columns import columns_of

LONGEST, LONGEST_PART = 180, 60  # bytes of a name without its suffix, and of each filter: file systems allow 255
LOOKUPS = {
    "gte": "from",
    "lte": "to",
    "in": "",
    "icontains": "contains",
    "istartswith": "begins-with",
    "isnull": "is-empty",
}


def file_stem(model: type[models.Model], filters: Mapping[str, str], day: date | None = None) -> str:
    """Return the name of a file of the records of *model* that match *filters*, parameters of their list's URL.

    It has letters and digits of any script, dashes and underscores, and at most LONGEST bytes. Values of personal data
    are left out. The *day* is by default that of the data.
    """
    table = f"{model._meta.app_label}-{model._meta.db_table.replace('_', '-')}"
    day = day or day_of(model)
    parts, left = [table], LONGEST - len(f"{table}_and-99-more_{day}")
    words = list(_words(model, filters))
    for place, word in enumerate(words):
        left -= len(word.encode()) + 1
        if left < 0:
            parts.append(f"and-{len(words) - place}-more")
            break
        parts.append(word)
    return "_".join([*parts, day.isoformat()])


def day_of(model: type[models.Model]) -> date:
    """Return today, or the day of the last change that a summary table includes."""
    summary = summary_of(model)
    return timezone.localdate(summary.as_of if summary and summary.is_behind else None)


def _words(model: type[models.Model], filters: Mapping[str, str]) -> Iterator[str]:
    personal = {column.name for column in columns_of(model) if column.permission}
    for parameter, value in filters.items():
        name, _, lookup = parameter.rpartition("__")
        if lookup not in LOOKUPS:
            name, lookup = parameter, ""
        if name in personal:
            yield _safe(f"by {name}")
        elif lookup == "isnull":
            yield _safe(f"{name} {'is empty' if value == 'true' else 'is not empty'}")
        else:
            values = listed(value) if lookup == "in" else [value]
            yield _safe(" ".join([name, LOOKUPS.get(lookup, ""), *values]))


def _safe(text: str) -> str:
    """Return the letters and digits of *text*, with a dash between words, in at most LONGEST_PART bytes."""
    kept = "".join(sign if _is_letter(sign) else " " for sign in unicodedata.normalize("NFC", text))
    word = "-".join(kept.split())
    return word.encode()[:LONGEST_PART].decode(errors="ignore").rstrip("-")


def _is_letter(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign).startswith("M")  # marks are parts of letters
