"""Prefix search in lists: every word must match the beginning of a column, ignoring case."""

from typing import Any

from django.db import models
from django.utils.text import smart_split, unescape_string_literal

from datasets.fields import field_of, related_model
from datasets.query_values import is_whole_number
from datasets.text import ZERO_WIDTH, clean

MOST_WORDS = 8  # maximum number of words, because each is searched for in every column
REFERRED = 1000  # up to this number of matches in another table are passed as parameters; more become a subquery


def search(queryset: models.QuerySet[Any], paths: list[str], text: str) -> models.QuerySet[Any]:
    """Filter *queryset* by the words of *text*.

    For each word, the value of at least one of *paths* must begin with the word. If a path ends in ``__exact``, its
    value must equal the word. Each condition uses a column of the records' own table, so the database can use an index.
    Matches in other tables are found first.
    """
    for word in words_of(text):
        queryset = queryset.filter(_any_of(queryset.model, paths, word))
    return queryset


def words_of(text: str) -> list[str]:
    """Return the words of a search, cleaned in the same way as stored text. A quoted phrase is one word."""
    words = [_unquoted(word) for word in smart_split(clean(text).replace("\x00", ""))]
    return [stripped for word in words if (stripped := word.strip(ZERO_WIDTH))] or words


def _unquoted(word: str) -> str:
    quoted = word.startswith(('"', "'")) and word[0] == word[-1] and len(word) > 1
    return unescape_string_literal(word) if quoted else word


def _any_of(model: type[models.Model], paths: list[str], word: str) -> models.Q:
    conditions = [condition for path in paths if (condition := _condition(model, path, word)) is not None]
    return models.Q(*conditions, _connector=models.Q.OR) if conditions else models.Q(pk__in=[])


def _condition(model: type[models.Model], path: str, word: str) -> models.Q | None:
    name, _, rest = path.lstrip("^=@").partition("__")
    field = field_of(model, name)
    if field.is_relation:
        target = related_model(field)
        inner = _condition(target, rest, word)
        if inner is None:
            return None
        matches = target._default_manager.filter(inner).order_by().values_list("pk", flat=True)
        keys = list(matches[: REFERRED + 1])
        if not keys:
            return None
        return models.Q(**{f"{name}__in": keys if len(keys) <= REFERRED else matches})
    if rest == "exact":
        try:
            return models.Q(**{name: field.to_python(word)}) if _fits(field, word) else None
        except (ValueError, models.ObjectDoesNotExist):
            return None
    return models.Q(**{f"{name}__folded_prefix": word})


def _fits(field: models.Field[Any, Any], word: str) -> bool:
    """Return whether *word* can be a value of *field*. Both engines reject numbers that are too large."""
    if not isinstance(field, models.IntegerField):
        return True
    return is_whole_number(word)
