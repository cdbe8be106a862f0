"""The app in which analysts view any dataset as a table, plot it as a chart and export it to a file."""

from django.apps import AppConfig


class ExploreConfig(AppConfig):
    name = "explore"
    verbose_name = "Explore"
