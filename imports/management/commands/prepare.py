"""Prepare the database: run migrations, import the first sources and create the first account."""

import fcntl
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.recorder import MigrationRecorder

from datasets.command_errors import SERVER, TerminalCommand, unusable
from imports.file_storage import check_bucket
from imports.stored_entry import StorageError

FORMER = ("datasets", "0002_history")  # a migration from versions before 0.1.0
LOCK = "tabularium prepares its database"


class Command(TerminalCommand):
    help = f"{__doc__} Safe to run concurrently: one process migrates, the others wait. -v 2 lists each migration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--import-sources", action="store_true", help="import the sources of datasets that have no applied import"
        )
        parser.add_argument(
            "--site", metavar="URL", help="URL of the site, for a link to set the password of the first account"
        )
        parser.add_argument(
            "--demo-curator", action="store_true", help="create the account demo_curator for trying out the site"
        )
        parser.add_argument(
            "--wait", type=int, default=60, metavar="SECONDS", help="seconds to wait for the database (default: 60)"
        )

    def handle(
        self, *, import_sources: bool, site: str | None, demo_curator: bool, wait: int, verbosity: int, **options: Any
    ) -> None:
        streams = {"stdout": self.stdout, "stderr": self.stderr}
        self._wait(wait)
        try:
            check_bucket()
        except StorageError as error:
            raise CommandError(f"FILES_STORAGE: {error.strerror}.") from None
        with alone():
            if FORMER in MigrationRecorder(connection).applied_migrations():
                raise CommandError(
                    "A version before 0.1.0 created this database, and this version cannot migrate it. "
                    "Export the data with the old version, and set DATABASE_URL to an empty database."
                )
            try:
                call_command("migrate", interactive=False, verbosity=max(verbosity - 1, 0), **streams)
            except MigrationSchemaMissing as error:  # the role may read but not write
                raise unusable(error, f"{SERVER}.") from error
            if import_sources:
                call_command("import_sources", verbosity=verbosity, **streams)
            if site:
                call_command("first_sign_in", site=site, **streams)
            if demo_curator:
                call_command("demo_curator", **streams)

    def _wait(self, seconds: int) -> None:
        """Wait for a server that is starting, or for SQLite's lock. Raises CommandError after *seconds*."""
        until = time.monotonic() + seconds
        while True:
            try:
                connection.ensure_connection()
                return
            except OperationalError as error:
                if time.monotonic() > until:
                    raise unusable(error, f"{SERVER}.") from error
                time.sleep(1)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock for preparing this database: an advisory lock on PostgreSQL, or a lock file on SQLite."""
    if connection.vendor == "postgresql":
        holder = connection.copy()  # the commands in the block may close the default connection
        try:
            with holder.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [LOCK])
                try:
                    yield
                finally:
                    cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])
        finally:
            holder.close()
        return
    with open(f"{connection.settings_dict['NAME']}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
