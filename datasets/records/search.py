"""Search in the lists of the admin: records with a column that begins with each word, whatever its case."""

from django.db import models
from django.utils.text import smart_split, unescape_string_literal

from datasets.query_values import is_whole_number
from datasets.text import ZERO_WIDTH, clean

MOST_WORDS = 8  # of one search: each is looked for in every column
REFERRED = 1000  # records found by name in another table, up to which their keys are asked for one by one


def search(queryset: models.QuerySet, paths: list[str], text: str) -> models.QuerySet:
    """Narrow *queryset* to records where for each word of *text* one of *paths* begins with it.

    A path that ends in ``__exact`` wants the whole value. Each condition is on a column of the records' own table,
    so that an index on it can serve: what other tables hold is looked up first.
    """
    for word in words_of(text):
        queryset = queryset.filter(_any_of(queryset.model, paths, word))
    return queryset


def words_of(text: str) -> list[str]:
    """Return the words of a search, what stands in quotes as one word, cleaned as stored texts are."""
    words = [_unquoted(word) for word in smart_split(clean(text).replace("\x00", ""))]
    return [kept for word in words if (kept := word.strip(ZERO_WIDTH))] or words


def _unquoted(word: str) -> str:
    quoted = word.startswith(('"', "'")) and word[0] == word[-1] and len(word) > 1
    return unescape_string_literal(word) if quoted else word


def _any_of(model: type[models.Model], paths: list[str], word: str) -> models.Q:
    conditions = [condition for path in paths if (condition := _condition(model, path, word)) is not None]
    return models.Q(*conditions, _connector=models.Q.OR) if conditions else models.Q(pk__in=[])


def _condition(model: type[models.Model], path: str, word: str) -> models.Q | None:
    name, _, rest = path.lstrip("^=@").partition("__")
    field = model._meta.get_field(name)
    if field.is_relation:
        target = field.related_model
        inner = _condition(target, rest, word)
        if inner is None:
            return None
        found = target._default_manager.filter(inner).order_by().values_list("pk", flat=True)
        keys = list(found[: REFERRED + 1])
        if not keys:
            return None
        return models.Q(**{f"{name}__in": keys if len(keys) <= REFERRED else found})
    if rest == "exact":
        try:
            return models.Q(**{name: field.to_python(word)}) if _fits(field, word) else None
        except (ValueError, models.ObjectDoesNotExist):
            return None
    return models.Q(**{f"{name}__folded_prefix": word})


def _fits(field: models.Field, word: str) -> bool:
    """Whether *word* could be a value of *field* at all: engines refuse numbers too big for them."""
    if not isinstance(field, models.IntegerField):
        return True
    return is_whole_number(word)
