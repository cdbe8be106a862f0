"""App for operators: metrics, health checks, logs, and protection of sign-ins."""

import logging

from django.apps import AppConfig
from django.conf import settings


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        logging.captureWarnings(settings.LOG_FORMAT == "json")  # log warnings as JSON, too
        from monitoring import login_metrics, query_metrics

        query_metrics.watch()
        login_metrics.watch()
