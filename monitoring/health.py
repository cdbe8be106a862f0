"""Health: whether this process lives, and whether it should be sent requests."""

import os
from pathlib import Path

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

DRAINING = "TABULARIUM_DRAINING"  # the file that config/gunicorn.py makes when it is told to stop
SOON = 2  # seconds
_migrated = False  # once all migrations are found applied, they stay so for as long as this code runs


def alive(request: HttpRequest, forwarded: bool = False) -> HttpResponse:
    """Answer that the process lives, whatever the database does."""
    return _answer(200, process="alive")


def ready(request: HttpRequest, forwarded: bool = False) -> HttpResponse:
    """Answer 200 where requests are welcome; 503 with the reason where they are not."""
    if is_draining():
        return _answer(503, process="draining")
    try:
        ask_database()
        if not is_migrated():
            return _answer(503, process="alive", database="answers", migrations="not applied")
    except (DatabaseError, InterfaceError):
        return _answer(503, process="alive", database="does not answer")
    return _answer(200, process="alive", database="answers", migrations="applied")


def ask_database() -> None:
    """Raise DatabaseError where the database does not answer: soon, and not after the time that a request may wait."""
    if connection.vendor == "postgresql" and connection.pool:
        connection.pool.open()  # which the first request does otherwise
        with connection.wrap_database_errors, connection.pool.connection(timeout=SOON) as driver:
            driver.execute("SELECT 1")
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def is_draining() -> bool:
    """Tell whether this server was told to stop, and only finishes what it has in hand."""
    path = os.environ.get(DRAINING)
    return bool(path) and Path(path).exists()


def is_migrated() -> bool:
    """Tell whether all migrations of this code are applied."""
    global _migrated
    if not _migrated:
        from django.db.migrations.executor import MigrationExecutor

        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def _answer(status: int, **told: str) -> HttpResponse:
    answer = JsonResponse(told, status=status, headers={"Cache-Control": "no-store"})
    answer._has_been_logged = True  # by its line among the requests: no error of Django's every few seconds
    return answer
