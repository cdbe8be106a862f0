"""The app for the REST API at /api/."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.conf import settings
from django.urls import reverse

from datasets.navigation import Section

if TYPE_CHECKING:
    from datasets.navigation import Account


def _may_read(account: "Account") -> bool:
    return settings.API_ANONYMOUS_READ or account.is_active


def _pages() -> list[str]:
    return [reverse("api-root")]


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API"
    navigation = [Section("API", "docs", 50, _may_read, _pages)]
