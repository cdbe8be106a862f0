"""The app that tells operators how the site does: metrics, health, logs, and sign-ins that are guessed at."""

import logging

from django.apps import AppConfig
from django.conf import settings


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self):
        logging.captureWarnings(settings.LOG_FORMAT == "json")  # a line of the log like any other
        from monitoring import queries, signing_in

        queries.watch()
        signing_in.watch()
