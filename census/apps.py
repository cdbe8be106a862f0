"""The app that holds the respondents of a census."""

from django.apps import AppConfig


class CensusConfig(AppConfig):
    name = "census"
    verbose_name = "Census"
