"""Health checks: is this process alive, and is it ready for requests?"""

import os
from pathlib import Path

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from datasets.read_only import REPLICA

DRAINING = "TABULARIUM_DRAINING"  # variable with the path of the file that config/gunicorn.py creates on SIGTERM
SOON = 2  # seconds
_migrated = False  # cached: once applied, migrations stay applied while this code runs


def alive(request: HttpRequest | None, *, forwarded: bool = False) -> HttpResponse:
    """Return 200 while the process is alive, whatever the state of the database."""
    return _answer(200, process="alive")


def ready(request: HttpRequest | None, *, forwarded: bool = False) -> HttpResponse:
    """Return 200 if the process is ready for requests, otherwise 503 with the reason."""
    if is_draining():
        return _answer(503, process="draining")
    try:
        ask_database()
        if not is_migrated():
            return _answer(503, process="alive", database="answers", migrations="not applied")
    except (DatabaseError, InterfaceError):
        if _can_read():
            return _answer(200, process="alive", database="does not respond", replica="answers")
        return _answer(503, process="alive", database="does not respond")
    return _answer(200, process="alive", database="answers", migrations="applied")


def ask_database(alias: str = DEFAULT_DB_ALIAS) -> None:
    """Raise DatabaseError if the database does not respond within SOON seconds."""
    connection = connections[alias]
    if pool := getattr(connection, "pool", None):  # of PostgreSQL
        pool.open()  # usually done by the first request
        with connection.wrap_database_errors, pool.connection(timeout=SOON) as driver:
            driver.execute("SELECT 1")
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def _can_read() -> bool:
    """Return whether the site can read from a replica without the primary."""
    if not settings.READ_ONLY_WITHOUT_PRIMARY:
        return False
    try:
        ask_database(REPLICA)
        return is_migrated(REPLICA)
    except (DatabaseError, InterfaceError):
        return False


def is_draining() -> bool:
    """Return whether this server is shutting down and only finishes open requests."""
    path = os.environ.get(DRAINING)
    return Path(path).exists() if path else False


def is_migrated(alias: str = DEFAULT_DB_ALIAS) -> bool:
    """Return whether all migrations of this code are applied."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connections[alias])
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


class _UnloggedResponse(JsonResponse):
    _has_been_logged = True  # no error of django.request every few seconds; the access log has it


def _answer(status: int, **state: str) -> HttpResponse:
    return _UnloggedResponse(state, status=status, headers={"Cache-Control": "no-store"})
