"""References: finding the records that cells name, and proving that every stored reference holds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models

from datasets.models import Lookup
from datasets.sql.chunks import chunks
from datasets.sql.dialect import quoted, temporary
from datasets.sql.dry_run import Preview, rolled_back
from imports.engine.locks import ImportRefusedError
from imports.engine.rejections import LateRejections, absent_column, unknown_reference
from imports.engine.source_load import SourceLoad, Staged
from imports.engine.staged_rows import StagedRows
from imports.engine.withheld_rows import Held, keep_back
from imports.models import SourceFile
from imports.sources import LookUp, Many, Reference


def turn_down_unknown(staged: Staged, late: LateRejections) -> Held:
    """Take the rows that name what is not there out of the stage; their records are not missing.

    Those that name what somebody has deleted by hand are kept back, the others are rejected.

    The cells of rows that the checker turned down are looked up, too, so that all their problems are told together.
    """
    load, stage, queries = staged.load, staged.load.stage, []
    for place, column in enumerate(load.source.bound.values()):
        if isinstance(column, Reference):
            table, cell = (stage.members(column), "member") if isinstance(column, Many) else (stage.table, column.name)
            parent, by = quoted(column.model._meta.db_table), quoted(column.by_field.column)
            queries.append(
                f"SELECT s.source_file, s.source_line, {place} AS place, CAST(s.{quoted(cell)} AS text) AS value"
                f" FROM {quoted(table)} s WHERE s.{quoted(cell)} IS NOT NULL"
                f" AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.{by} = s.{quoted(cell)})"
            )
    if not queries:
        return Held(Counter(), [], {})
    stage.collect(stage.problems, " UNION ALL ".join(queries))
    held = keep_back(load, _look_up_rejected(staged))
    _take_out(load, late)
    return held


def turn_down_new(load: SourceLoad, rows: StagedRows, late: LateRejections) -> None:
    """Take the rows of records that are not stored out of the stage, where their file lacks a required column."""
    required = [(place, c) for place, c in enumerate(load.source.bound.values()) if c.required]
    absent = [place for place, column in required if column.name not in load.present]
    if not load.source.key or not absent:
        return
    queries = [
        f"SELECT s.source_file, s.source_line, {place} AS place, CAST(NULL AS text) AS value FROM {rows.resolved()} s"
        f" WHERE NOT EXISTS (SELECT 1 FROM {quoted(load.source.name)} r WHERE {rows.same})"
        for place in absent
    ]
    load.stage.collect(load.stage.problems, " UNION ALL ".join(queries))
    _take_out(load, late)


def _take_out(load: SourceLoad, late: LateRejections) -> None:
    """Take the staged rows that have a problem out of the stage, each told; their records are not missing."""
    stage, problems = load.stage, quoted(load.stage.problems)
    if not _tell_problems(load, late):
        return
    stage.need(stage.seen)
    keys = ", ".join(f"s.{quoted(name)}" for name in stage.key)
    theirs = f"(s.source_file, s.source_line) IN (SELECT source_file, source_line FROM {problems})"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quoted(stage.seen)} SELECT {keys} FROM {quoted(stage.table)} s WHERE {theirs}")
        for table in [stage.table, *(stage.members(column) for column in load.source.columns_of(Many))]:
            cursor.execute(f"DELETE FROM {quoted(table)} AS s WHERE {theirs}")


def _tell_problems(load: SourceLoad, late: LateRejections) -> int:
    """Turn each row down with all its problems; returns how many rows that were."""
    columns = list(load.source.bound.values())
    count, row, found = 0, None, []
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT source_file, source_line, place, value FROM {quoted(load.stage.problems)}"
            " ORDER BY source_file, source_line, place, value"
        )
        while rows := cursor.fetchmany(2000):
            for file, line, place, value in rows:
                if row != (file, line):
                    if row:
                        late.turn_down(*row, found)
                    count, row, found = count + 1, (file, line), []
                column = columns[place]
                found.append(absent_column(column) if value is None else unknown_reference(column, value))
    if row:
        late.turn_down(*row, found)
    return count


def _look_up_rejected(staged: Staged) -> dict[str, set]:
    """Return, by column, what rows that the checker turned down refer to and that is not there."""
    unknown, load = {}, staged.load
    for column in [*load.source.columns_of(Reference), *load.source.columns_of(Many)]:
        asked = {value for _, r in staged.rejections for value in r.references.get(column.name, ())}
        known: set = set()
        for chunk in chunks(sorted(asked)):
            found = column.model._default_manager.filter(**{f"{column.by}__in": chunk})
            known.update(found.values_list(column.by, flat=True))
        unknown[column.name] = asked - known
    return unknown


def add_lookups(staged: Staged) -> tuple[dict[str, list[str]], list[str]]:
    """Store the look-up values that the staged rows use and that are new; returns them by table, and notes."""
    load, added, notes = staged.load, {}, []
    for column in load.source.columns_of(LookUp):
        vocabulary = staged.vocabularies[column.name]
        table, column_name = (load.source.name, column.stored_as) if load.direct else (load.stage.table, column.name)
        table, name = quoted(table), quoted(column_name)
        new = vocabulary.new()
        with connection.cursor() as cursor:
            used = []
            for key in new:
                # One look for each: all but the rarest are found within the first rows.
                cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {name} = %s)", [key])
                used += [key] * cursor.fetchone()[0]
            moved = {}
            for key in used:
                details = dict(
                    zip(vocabulary.attributes, vocabulary.details[vocabulary.positions[new[key]]], strict=True)
                )
                stored_key = _store_lookup(column.model, key, new[key], details, load.files[0])
                if stored_key != key:
                    moved[key] = stored_key
            if moved:
                _move(cursor, table, name, moved)
        notes += vocabulary.near_duplicates(set(used))
        if used:
            added[column.model._meta.db_table] = sorted(new[key] for key in used)
    return added, notes


def _move(cursor, table: str, column: str, moved: dict[int, int]) -> None:
    """Give the rows of *table* other keys in *column*, all at once: one may move to what another moves from."""
    name = temporary("moved_terms")
    cursor.execute(f"DROP TABLE IF EXISTS {name}")
    cursor.execute('CREATE TEMPORARY TABLE moved_terms ("from" integer PRIMARY KEY, "to" integer)')
    for chunk in chunks(moved.items()):
        cursor.executemany("INSERT INTO moved_terms VALUES (%s, %s)", chunk)
    cursor.execute(
        f'UPDATE {table} SET {column} = (SELECT "to" FROM moved_terms WHERE "from" = {column})'
        f' WHERE {column} IN (SELECT "from" FROM moved_terms)'
    )
    cursor.execute(f"DROP TABLE {name}")


def _store_lookup(model: type[models.Model], key: int, name: str, details: dict, file: SourceFile) -> int:
    """Store a look-up value under the key set aside for it, unless somebody has just stored the value, or the key."""
    if (theirs := model.objects.filter(name=name).first()) is not None:
        return theirs.pk
    if model.objects.filter(pk=key).exists():
        key = None
    return model.objects.create(pk=key, name=name, created_in=file, **details).pk


def checks_are_ours() -> bool:
    """Tell whether this role may leave the proof of references to :func:`prove`.

    PostgreSQL checks a foreign key row by row, which takes ten times as long as the rows. A role that may set
    ``session_replication_role`` (a superuser, or by GRANT SET ON PARAMETER, from PostgreSQL 15 on) goes without and
    proves them all at once. On SQLite anyone may.
    """
    if connection.vendor != "postgresql":
        return not connection.in_atomic_block
    with connection.cursor() as cursor:
        if connection.pg_version < 150000:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        else:
            cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        return cursor.fetchone()[0]


@contextmanager
def write_transaction(unchecked: bool) -> Iterator[Preview]:
    """Open the transaction that merges, a preview until it is kept.

    *unchecked* leaves the proof of references to :func:`prove`.
    """
    on_sqlite = unchecked and connection.vendor == "sqlite"
    if on_sqlite:
        connection.disable_constraint_checking()  # heeded only outside a transaction
    try:
        with rolled_back() as preview:
            if unchecked and not on_sqlite:
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL session_replication_role = replica")
            expect_long_queries()
            yield preview
    finally:
        if on_sqlite:
            connection.enable_constraint_checking()


def expect_long_queries() -> None:
    """Set PostgreSQL up, for this transaction, for a handful of queries over many rows."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL maintenance_work_mem = '256MB'")
            # Such queries gain nothing from being compiled; and a server that looks, while one of them runs, whether
            # its client is still there lets go of the dataset's lock when it is not.
            cursor.execute("SET LOCAL jit = off; SET LOCAL client_connection_check_interval = '1s'")


@contextmanager
def left_unchecked() -> Iterator[None]:
    """Leave the proof of the references that rows get within, a part of a transaction, to :func:`broken`.

    On PostgreSQL, where the role may; SQLite, whose checks cost little, goes on checking.
    """
    ours = connection.vendor == "postgresql" and checks_are_ours()
    with connection.cursor() as cursor:
        if ours:
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        if ours:  # a transaction that fails takes it back by itself
            cursor.execute("SET LOCAL session_replication_role = origin")


def prove(load: SourceLoad) -> None:
    """See that every reference of the rows that this run wrote holds; raises ImportRefusedError."""
    fields = [column.field for column in load.stage.columns if type(column) in (LookUp, Reference)]
    if count := broken(load.source.model, fields, f"r.changed_in_id IN ({load.files_query})"):
        raise ImportRefusedError(
            f"{count} {'row' if count == 1 else 'rows'} of {load.source.name} would refer to records that are not "
            "there any more: they were deleted while the files were read. Nothing was imported; import them again."
        )


def broken(model: type[models.Model], fields: list[models.ForeignKey], condition: str) -> int:
    """Return how many rows r of *model* that fulfil *condition* refer by one of *fields* to what is not there.

    The rows referred to are locked first, so that none can go before commit.
    """
    table = quoted(model._meta.db_table)
    with connection.cursor() as cursor:
        joins, lost = [], []
        for place, field in enumerate(fields):
            parent, pk = quoted(field.related_model._meta.db_table), quoted(field.target_field.column)
            mine = f"r.{quoted(field.column)}"
            if connection.vendor == "postgresql":
                those = f" WHERE p.{pk} IN (SELECT {mine} FROM {table} r WHERE {condition})"
                few = issubclass(field.related_model, Lookup)
                cursor.execute(
                    f"SELECT count(*) FROM (SELECT 1 FROM {parent} p{'' if few else those} FOR KEY SHARE) locked"
                )
            joins.append(f"LEFT JOIN {parent} p{place} ON p{place}.{pk} = {mine}")
            lost.append(f"({mine} IS NOT NULL AND p{place}.{pk} IS NULL)")
        if not joins:
            return 0
        cursor.execute(f"SELECT count(*) FROM {table} r {' '.join(joins)} WHERE {condition} AND ({' OR '.join(lost)})")
        return cursor.fetchone()[0]
