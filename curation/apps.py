"""Configuration of the curation app: the admin, edits, record history and undo."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register
from django.urls import reverse

from datasets.navigation import Section, may_use_admin

if TYPE_CHECKING:
    from datasets.navigation import Account


def _pages_of_datasets() -> Iterator[str]:
    from datasets.registry import dataset_apps

    return (reverse("admin:app_list", args=[label]) for label in dataset_apps())


def _pages_of_imports() -> list[str]:
    return [reverse("admin:app_list", args=["imports"])]


def _pages_of_changes() -> list[str]:
    return [reverse("admin:imports_edit_changelist"), reverse("admin:app_list", args=["curation"])]


def _may_view_imports(account: "Account") -> bool:
    return may_use_admin(account) and account.has_perm("imports.view_importrun")


def _may_view_changes(account: "Account") -> bool:
    return may_use_admin(account) and account.has_perm("imports.view_edit")


class CurationConfig(AppConfig):
    default = True  # this module imports another configuration
    name = "curation"
    verbose_name = "Curation"
    navigation = [
        Section("Datasets", "admin:index", 10, may_use_admin, _pages_of_datasets),
        Section("Imports", "admin:imports_importrun_changelist", 30, _may_view_imports, _pages_of_imports),
        Section("Changes", "admin:imports_edit_changelist", 40, _may_view_changes, _pages_of_changes),
    ]


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
