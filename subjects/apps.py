"""The app that holds laboratory subjects and the sessions they took part in."""

from django.apps import AppConfig


class SubjectsConfig(AppConfig):
    name = "subjects"
    verbose_name = "Subjects"
