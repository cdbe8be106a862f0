"""The settings of the copy."""

from typing import Any

from django.conf import settings


def options() -> Any:
    """Return the settings of the copy (config.analytics). The copy's code runs only if they are set."""
    return settings.ANALYTICS
