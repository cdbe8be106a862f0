"""Configuration of the curation app: the admin, edits, record history and undo."""

from django.apps import AppConfig


class CurationConfig(AppConfig):
    name = "curation"
    verbose_name = "Curation"
