"""The app that shows any dataset's records to analysts: as a table, as a chart, as a file."""

from django.apps import AppConfig


class ExploreConfig(AppConfig):
    name = "explore"
    verbose_name = "Explore"
