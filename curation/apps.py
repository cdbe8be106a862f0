"""Configuration of the curation app: the admin, edits, record history and undo."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CurationConfig(AppConfig):
    name = "curation"
    verbose_name = "Curation"


class DatasetAdminConfig(admin_apps.AdminConfig):
    """Django's admin; a table without a registered admin gets the default admin of its kind."""

    default = False  # the app's own configuration is CurationConfig

    def ready(self) -> None:
        super().ready()  # discovers the admin modules
        from curation.admin.record_admin import register_defaults

        register_defaults()
