"""The base app of every dataset: base models, queries, tokens and roles."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class DatasetsConfig(AppConfig):
    name = "datasets"
    verbose_name = "API access"

    def ready(self) -> None:
        from datasets import (
            checks,
            converters,  # noqa: F401 - registers a path converter
            roles,
            versions,
        )
        from datasets.sql import sqlite_functions  # noqa: F401 - registers functions on new connections

        register(checks.check_listings, Tags.models)
        versions.watch_saves()
        post_migrate.connect(roles.grant, dispatch_uid="datasets.roles")
