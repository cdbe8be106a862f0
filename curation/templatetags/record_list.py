"""Template tag of a dataset's list."""

from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_list import result_list
from django.utils.html import format_html
from django.utils.text import capfirst

from curation.admin.changelist import RecordChangeList
from datasets.records.ordering import SLOW

register = template.Library()


@register.inclusion_tag("admin/change_list_results.html")
def record_list(cl: Any) -> dict[str, Any]:
    """Return the context of Django's table of results, with a mark at the columns that are slow to sort by."""
    context: dict[str, Any] = dict(result_list(cl))
    if isinstance(cl, RecordChangeList):
        for name, header in zip(cl.list_display, context["result_headers"], strict=True):
            if header["sortable"] and name in cl.slow_columns:
                header["text"] = format_html('{} <span class="slow">{}</span>', capfirst(header["text"]), SLOW)
    return context
