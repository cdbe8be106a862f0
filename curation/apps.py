"""The app that curators work with: the admin, edits, history and undo."""

from django.apps import AppConfig


class CurationConfig(AppConfig):
    name = "curation"
    verbose_name = "Curation"
