"""Template tags of a dataset's list."""

from collections.abc import Iterator

from django import template
from django.utils.safestring import SafeString

from curation.admin import list_table
from curation.admin.changelist import RecordChangeList
from datasets.records.ordering import SLOW

register = template.Library()
register.filter("is_dataset_list", lambda cl: isinstance(cl, RecordChangeList))


@register.simple_tag
def list_headers(cl: RecordChangeList) -> list[list_table.ListHeader]:
    """Return the headers of a dataset's list."""
    return list(list_table.headers(cl))


@register.simple_tag
def list_rows(cl: RecordChangeList) -> Iterator[list[SafeString]]:
    """Return the cells of each record of a dataset's list."""
    return list_table.rows(cl)


@register.simple_tag
def slow_mark() -> str:
    """Return the mark of a column by which the list is slow to sort."""
    return SLOW
