"""App for operators: metrics, health checks, logs, and protection of sign-ins."""

import logging

from django.apps import AppConfig
from django.conf import settings


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self):
        logging.captureWarnings(settings.LOG_FORMAT == "json")  # log warnings as JSON, too
        from monitoring import queries, signing_in

        queries.watch()
        signing_in.watch()
