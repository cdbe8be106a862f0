"""What templates ask about imports."""

from django import template

from datasets.registry import dataset_apps
from datasets.text import visible

register = template.Library()
register.filter("visible", visible, is_safe=False)


@register.filter
def is_dataset(app_label: str) -> bool:
    """Tell whether an app is one that files are imported into."""
    return app_label in dataset_apps()
