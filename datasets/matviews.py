"""Summary tables: which ones are behind their datasets, and their refresh.

A request never refreshes a summary table. It raises the version of its dataset, and a summary table that shows an
earlier version is due: the worker refreshes it, once for all changes until then. A command refreshes the tables that
are due before it exits.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import NamedTuple

from django.apps import apps
from django.db import DatabaseError, connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from datasets.models import MaterializedView, Version, live_view
from datasets.sql.dialect import column_name, pk_column
from datasets.sql.query_timeout import unlimited
from datasets.versions import raise_version, version_of

View = type[MaterializedView]
AS_OF_HEADER = "Data-As-Of"  # the response header of a summary table that is behind


class Refresh(NamedTuple):
    """A refresh of *view*: its duration in seconds, and why it failed ("" if it did not)."""

    view: View
    seconds: float
    problem: str = ""

    def __str__(self) -> str:
        table = self.view._meta.db_table
        if self.problem:
            return f"{table} could not be refreshed: {self.problem}."
        return f"{table}: refreshed in {self.seconds:.2f} s"


class ViewState(NamedTuple):
    """What a summary table shows.

    *as_of* is the time of the last change that it includes, or None if there is none. It is behind if its dataset has
    changed since. *problem* is why its last refresh failed ("" if it did not).
    """

    as_of: datetime | None
    is_behind: bool
    problem: str = ""
    refreshed_at: datetime | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that say what the table shows while it is behind."""
        if not self.is_behind:
            return {}
        return {AS_OF_HEADER: self.as_of.isoformat(timespec="seconds") if self.as_of else "never refreshed"}


def summary_of(model: type[models.Model]) -> ViewState | None:
    """Return the state of *model* if it is a summary table. Read it before the rows, which are never older."""
    return state_of(model) if issubclass(model, MaterializedView) else None


def views_of(dataset: str) -> list[View]:
    """Return the views of the app labelled *dataset*, or an empty list if the app is not installed."""
    if dataset not in apps.app_configs:
        return []
    return [model for model in apps.get_app_config(dataset).get_models() if issubclass(model, MaterializedView)]


def datasets_with_views() -> list[str]:
    """Return the sorted labels of the installed apps that have views."""
    return sorted(label for label in apps.app_configs if views_of(label))


def state_of(view: View) -> ViewState:
    """Return the state of *view*, from the database that its rows are read from."""
    names = [view._meta.app_label, view._meta.db_table]
    stored = Version.objects.using(router.db_for_read(view)).filter(pk__in=names)
    return _state(view, {version.name: version for version in stored})


def states(*datasets: str) -> dict[View, ViewState]:
    """Return the state of each view of *datasets*, or of all datasets, with one query."""
    stored = {version.name: version for version in Version.objects.all()}
    return {view: _state(view, stored) for view in _views(datasets)}


def behind(*datasets: str) -> list[View]:
    """Return the views of *datasets*, or of all datasets, that are behind their dataset."""
    return [view for view, state in states(*datasets).items() if state.is_behind]


def refresh(*datasets: str) -> list[Refresh]:
    """Refresh the views of *datasets*, or all views if none is given, even if they are not behind.

    Call this after the commit, because the refresh holds its lock on the view until the surrounding transaction ends.
    """
    return list(refreshing(_views(datasets)))


def refresh_due(*datasets: str, wait: bool = True) -> list[Refresh]:
    """Refresh the views of *datasets*, or of all datasets, that are behind.

    Without *wait*, skip views that another process is refreshing.
    """
    return list(refreshing(behind(*datasets), wait=wait, only_due=True))


def refreshing(views: Iterable[View], *, wait: bool = True, only_due: bool = False) -> Iterator[Refresh]:
    """Refresh *views* one by one, and yield each after its refresh, including those that failed.

    A failure is stored with the view's version. With *only_due*, skip a view that another process has refreshed since.
    """
    for view in views:
        start = perf_counter()
        try:
            with unlimited():
                is_done = _refresh(view, wait=wait, only_due=only_due)
        except DatabaseError as error:
            problem = str(error).strip().splitlines()[0]
            _store_problem(view, problem)
            yield Refresh(view, perf_counter() - start, problem)
        else:
            if is_done:
                yield Refresh(view, perf_counter() - start)


def _views(datasets: Iterable[str]) -> list[View]:
    return [view for dataset in datasets or datasets_with_views() for view in views_of(dataset)]


def _state(view: View, stored: dict[str, Version]) -> ViewState:
    dataset, shown = stored.get(view._meta.app_label), stored.get(view._meta.db_table)
    shows = shown.shows if shown else None
    return ViewState(
        as_of=None if shows is None else _moment(shows),
        is_behind=dataset is not None and (shows is None or shows < dataset.number),
        problem=shown.problem if shown else "",
        refreshed_at=_moment(shown.number) if shown and shows is not None else None,
    )


def _moment(number: int) -> datetime | None:
    """Return the time of a version, or None for version 0."""
    return datetime.fromtimestamp(number / 1e6, UTC) if number else None


def _store_problem(view: View, problem: str) -> None:
    try:
        with transaction.atomic():
            Version.objects.update_or_create(
                pk=view._meta.db_table, defaults={"problem": problem}, create_defaults={"problem": problem, "number": 0}
            )
    except DatabaseError:
        pass  # such as a locked database; the caller reports the problem


def _refresh(view: View, *, wait: bool, only_due: bool) -> bool:
    """Refresh *view*. Return False if it was skipped."""
    connection = connections[router.db_for_write(view)]
    if connection.vendor == "sqlite":
        return _refresh_table(connection, view)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        lock = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        cursor.execute(f"SELECT {lock}(hashtextextended(%s, 0))", [f"tabularium refresh of {view._meta.db_table}"])
        if cursor.fetchone()[0] is False or (only_due and not state_of(view).is_behind):
            return False
        # Read the version before the refresh, whose snapshot is at least as new.
        shows = version_of(view._meta.app_label)
        _refresh_materialized(cursor, connection, view)
        _store(view, shows)
    return True


def _store(view: View, shows: int) -> None:
    raise_version(view._meta.db_table)
    Version.objects.filter(pk=view._meta.db_table).update(shows=shows, problem="")


def _refresh_materialized(cursor: CursorWrapper, connection: BaseDatabaseWrapper, view: View) -> None:
    table = connection.ops.quote_name(view._meta.db_table)
    _update_statistics(cursor, view._meta.app_label)
    cursor.execute("SELECT relispopulated FROM pg_class WHERE oid = %s::regclass", [table])
    # PostgreSQL cannot refresh a view concurrently before its first refresh.
    concurrently = "CONCURRENTLY" if cursor.fetchone()[0] else ""
    cursor.execute(f"REFRESH MATERIALIZED VIEW {concurrently} {table}")


def _refresh_table(connection: BaseDatabaseWrapper, view: View) -> bool:
    """Store the rows of the live view of *view* in its table. Return False if another process has stored newer ones.

    The rows are computed in a temporary table, so that other writers do not wait. The write lock is held only while the
    rows that differ are replaced.
    """
    quote = connection.ops.quote_name
    table, live = quote(view._meta.db_table), quote(live_view(view._meta.db_table))
    fresh, key = f"temp.{quote(f'{view._meta.db_table}_fresh')}", pk_column(view)
    columns = ", ".join(column_name(field) for field in view._meta.concrete_fields)
    shows = version_of(view._meta.app_label)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {fresh}")
        cursor.execute(f"CREATE TEMPORARY TABLE {fresh} AS SELECT {columns} FROM {table} WHERE 0")
        cursor.execute(f"INSERT INTO {fresh} SELECT {columns} FROM {live}")
        with transaction.atomic(using=connection.alias):
            newest = Version.objects.filter(pk=view._meta.db_table).values_list("shows", flat=True).first()
            if newest is not None and newest > shows:
                return False
            old = f"SELECT {columns} FROM main.{table} EXCEPT SELECT {columns} FROM {fresh}"
            new = f"SELECT {columns} FROM {fresh} EXCEPT SELECT {columns} FROM main.{table}"
            cursor.execute(f"DELETE FROM main.{table} WHERE {key} IN (SELECT {key} FROM ({old}))")
            cursor.execute(f"INSERT INTO main.{table} ({columns}) {new}")
            _store(view, shows)
        cursor.execute(f"DROP TABLE {fresh}")
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
