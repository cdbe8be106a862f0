"""The app that keeps the analytical copy and answers questions from it."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"
    verbose_name = "Analytical copy"
