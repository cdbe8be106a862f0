"""Materialized views: migration operations to create and drop them, and functions to refresh them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

from django.apps import apps
from django.db import DatabaseError, connections, migrations, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from datasets.models import MaterializedView, Version
from datasets.sql.query_timeout import unlimited
from datasets.versions import raise_version, version_of

REFRESHED = "Refreshed at "


class CreateView(migrations.RunSQL):
    """Create the view *name* from a file beside the migration: ``<sql>.postgresql.sql`` or ``<sql>.sqlite.sql``.

    *sql* is the name of the migration after which the files are named. A later migration that alters a table of the
    view must drop the view first, and then create it again from the same files::

        DropView("births_by_country", sql="0002_births_by_country"),
        migrations.AlterField(...),
        CreateView("births_by_country", sql="0002_births_by_country"),
    """

    category = OperationCategory.SQL

    def __init__(self, name: str, sql: str, state_operations: Sequence[Operation] = ()):
        super().__init__(sql=sql, reverse_sql=sql, state_operations=state_operations)
        self.name = name

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        kwargs: dict[str, Any] = {"name": self.name, "sql": self.sql}
        if self.state_operations:
            kwargs["state_operations"] = self.state_operations
        return self.__class__.__qualname__, [], kwargs

    def database_forwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            self._create(app_label, schema_editor)

    def database_backwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            self._drop(schema_editor)

    def describe(self) -> str:
        return f"Create view {self.name}"

    @property
    def migration_name_fragment(self) -> str:
        return self.name

    def _create(self, app_label: str, schema_editor: Editor) -> None:
        folder = Path(apps.get_app_config(app_label).path) / "migrations"
        script = folder / f"{self.sql}.{schema_editor.connection.vendor}.sql"
        for statement in schema_editor.connection.ops.prepare_sql_script(script.read_text(encoding="utf-8")):
            schema_editor.execute(statement, params=None)

    def _drop(self, schema_editor: Editor) -> None:
        kind = "MATERIALIZED VIEW" if schema_editor.connection.vendor == "postgresql" else "VIEW"
        schema_editor.execute(f"DROP {kind} {schema_editor.quote_name(self.name)}")


class DropView(CreateView):
    """Drop the view *name*. The reverse operation creates it again from the SQL of CreateView."""

    def database_forwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        super().database_backwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        super().database_forwards(app_label, schema_editor, *states)

    def describe(self) -> str:
        return f"Drop view {self.name}"


class Refreshed(NamedTuple):
    """A refreshed view and the duration in seconds, or None for a plain view, which needs no refresh."""

    view: type[MaterializedView]
    seconds: float | None


def views_of(dataset: str) -> list[type[MaterializedView]]:
    """Return the views of the app labelled *dataset*, or an empty list if the app is not installed."""
    if dataset not in apps.app_configs:
        return []
    return [model for model in apps.get_app_config(dataset).get_models() if issubclass(model, MaterializedView)]


def datasets_with_views() -> list[str]:
    """Return the sorted labels of the installed apps that have views."""
    return sorted(label for label in apps.app_configs if views_of(label))


@unlimited()
def refresh(*datasets: str) -> list[Refreshed]:
    """Refresh the views of *datasets*, or all views if none is given.

    SQLite's views need no refresh. Call this after the commit, because the refresh holds its lock on the view until the
    surrounding transaction ends.
    """
    return list(refreshing(view for dataset in datasets or datasets_with_views() for view in views_of(dataset)))


def refresh_after_commit(*datasets: str) -> None:
    """Refresh the views of *datasets* once after the commit, however often the transaction calls this.

    Concurrent refreshes in a process are combined: if a thread waits for another thread's refresh, and that refresh
    began after its own commit, it does not refresh again. A failure is logged, because the edit is already committed.
    """
    connection = transaction.get_connection()
    savepoints = set(connection.savepoint_ids)
    for dataset in datasets:
        refresh_views = _Refresh(dataset)
        # A rollback to a savepoint discards the callbacks registered in it. Reuse a callback only if its savepoints are
        # open.
        callbacks = connection.run_on_commit
        if not any(callback == refresh_views and sids <= savepoints for sids, callback, _ in callbacks):
            transaction.on_commit(refresh_views, robust=True)


_refreshing = Lock()
_began: dict[str, float] = {}  # the start of each dataset's last refresh in this process


@dataclass(frozen=True)
class _Refresh:
    dataset: str

    @unlimited()
    def __call__(self) -> None:
        committed = perf_counter()
        with _refreshing:
            if _began.get(self.dataset, committed) > committed:
                return
            _began[self.dataset] = perf_counter()
            refresh(self.dataset)


def refreshing(views: Iterable[type[MaterializedView]], *, wait: bool = True) -> Iterator[Refreshed]:
    """Refresh *views* one by one, and yield each after its refresh.

    Without *wait*, skip views that another process is refreshing.
    """
    for view in views:
        connection = connections[router.db_for_write(view)]
        if connection.vendor != "postgresql":
            yield Refreshed(view, None)
            continue
        start = perf_counter()
        if _refresh_materialized(connection, view, wait=wait):
            yield Refreshed(view, perf_counter() - start)


def behind(*datasets: str) -> list[type[MaterializedView]]:
    """Return the stale views of *datasets*, or of all datasets.

    A view is stale if its last refresh was before its dataset's latest version. SQLite's views are never stale.
    """
    stored = {version.name: version for version in Version.objects.all()}
    stale = []
    for view in (view for dataset in datasets or datasets_with_views() for view in views_of(dataset)):
        dataset, shown = stored.get(view._meta.app_label), stored.get(view._meta.db_table)
        if dataset and connections[router.db_for_write(view)].vendor == "postgresql":
            if shown is None or shown.shows is None or shown.shows < dataset.number:
                stale.append(view)
    return stale


@unlimited()
def catch_up() -> list[Refreshed]:
    """Refresh all stale views, except those that another process is refreshing.

    Views become stale if a process is killed between its commit and its refresh. After trying to refresh every view,
    this raises the first DatabaseError, if any.
    """
    done: list[Refreshed] = []
    errors: list[DatabaseError] = []
    for view in behind():
        try:
            done += refreshing([view], wait=False)
        except DatabaseError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return done


def _refresh_materialized(connection: BaseDatabaseWrapper, view: type[MaterializedView], *, wait: bool) -> bool:
    """Refresh *view*. Return False if *wait* is false and another process is refreshing it."""
    table = connection.ops.quote_name(view._meta.db_table)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        lock = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        cursor.execute(f"SELECT {lock}(hashtextextended(%s, 0))", [f"tabularium refresh of {view._meta.db_table}"])
        if cursor.fetchone()[0] is False:
            return False
        # Read the version before the refresh, whose snapshot is at least as new.
        shows = version_of(view._meta.app_label)
        _update_statistics(cursor, view._meta.app_label)
        cursor.execute("SELECT relispopulated FROM pg_class WHERE oid = %s::regclass", [table])
        # PostgreSQL cannot refresh a view concurrently before its first refresh.
        concurrently = "CONCURRENTLY" if cursor.fetchone()[0] else ""
        cursor.execute(f"REFRESH MATERIALIZED VIEW {concurrently} {table}")
        raise_version(view._meta.db_table)
        Version.objects.filter(pk=view._meta.db_table).update(shows=shows)
        # Comments are visible in clients such as psql.
        cursor.execute(f"COMMENT ON MATERIALIZED VIEW {table} IS '{REFRESHED}{datetime.now(UTC).isoformat()}'")
    return True


def _update_statistics(cursor: CursorWrapper, dataset: str) -> None:
    """ANALYZE the tables that PostgreSQL's statistics wrongly show as empty, which leads to slow nested-loop joins.

    After an undo or a rollback has emptied a table, its statistics do not change until the next ANALYZE.
    """
    tables = [
        model._meta.db_table
        for model in apps.get_app_config(dataset).get_models(include_auto_created=True)
        if model._meta.managed
    ]
    cursor.execute(
        "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
        " AND relname = ANY(%s) AND reltuples = 0 AND pg_relation_size(oid) > 0",
        [tables],
    )
    for (table,) in cursor.fetchall():
        cursor.execute(f"ANALYZE {table}")


def refreshed_at(view: type[MaterializedView]) -> datetime | None:
    """Return the time of *view*'s last refresh, or None before its first refresh and for a plain view."""
    connection = connections[router.db_for_read(view)]
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(view._meta.db_table)
        cursor.execute("SELECT obj_description(%s::regclass, 'pg_class')", [table])
        comment = cursor.fetchone()[0] or ""
    if not comment.startswith(REFRESHED):
        return None
    return datetime.fromisoformat(comment.removeprefix(REFRESHED))
