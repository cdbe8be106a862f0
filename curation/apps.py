"""Configuration of the curation app: the admin, edits, record history and undo."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register


class CurationConfig(AppConfig):
    name = "curation"
    verbose_name = "Curation"


class DatasetAdminConfig(SimpleAdminConfig):
    """Django's admin. The URL configuration registers the admins, so that commands do not load the pages."""

    default = False  # the app's own configuration is CurationConfig

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(self.check, Tags.admin)

    @staticmethod
    def check(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
        """Check the admins of all apps."""
        import_module(settings.ROOT_URLCONF)  # registers the admins
        return list(check_admin_app(app_configs, **options))
