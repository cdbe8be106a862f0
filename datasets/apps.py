"""The app that holds what every dataset has in common."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class DatasetsConfig(AppConfig):
    name = "datasets"
    verbose_name = "API access"

    def ready(self):
        from datasets import (
            checks,
            converters,  # noqa: F401 - registers what addresses are made of
            roles,
            versions,
        )
        from datasets.sql import sqlite_functions  # noqa: F401 - tells Django what to do with a new connection

        register(checks.check_listings, Tags.models)
        versions.watch_saves()
        post_migrate.connect(roles.grant, dispatch_uid="datasets.roles")
