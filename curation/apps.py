"""Configuration of the curation app: the admin, edits, record history and undo."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CurationConfig(AppConfig):
    name = "curation"
    verbose_name = "Curation"


class DatasetAdminConfig(admin_apps.AdminConfig):
    """Django's admin; a table whose dataset registers no admin for it has the default of its kind."""

    default = False  # the app's own configuration is CurationConfig

    def ready(self) -> None:
        super().ready()  # discovers the admin modules
        from curation.admin.record_admin import register_defaults

        register_defaults()
