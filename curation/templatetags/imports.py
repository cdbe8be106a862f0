"""Template filters for imports."""

from django import template

from datasets.registry import dataset_apps
from datasets.text import visible

register = template.Library()
register.filter("visible", visible, is_safe=False)


@register.filter
def is_dataset(app_label: str) -> bool:
    """Return whether the app is a dataset."""
    return app_label in dataset_apps()
