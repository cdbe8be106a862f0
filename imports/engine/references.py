"""Reject rows that refer to unknown records, and check stored references."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from django.db import connection, models

from datasets.models import Vocabulary
from datasets.sql.chunks import chunks
from datasets.sql.dialect import column_name, pk_column, quoted
from datasets.sql.dry_run import Preview, rolled_back
from datasets.sql.page_cache import LARGE, page_cache
from imports.engine.locks import ImportRefusedError
from imports.engine.rejections import LateRejections, absent_column, unknown_reference
from imports.engine.source_load import SourceLoad, Staged
from imports.engine.staged_rows import StagedRows
from imports.engine.withheld_rows import WithheldRows, withhold
from imports.models import Problem
from imports.sources import Column, Many, Reference, VocabularyColumn


def reject_unknown_references(staged: Staged, late: LateRejections) -> WithheldRows:
    """Remove rows with unknown references from the stage. Their records do not count as missing.

    Rows that refer to records deleted by a curator are withheld, and the others are rejected. The references of rows
    that the validator rejected are also looked up, so that all problems of a row are reported together.
    """
    load, stage, queries = staged.load, staged.load.stage, list[str]()
    for position, column in enumerate(load.source.bound.values()):
        if isinstance(column, Reference):
            table, cell = (stage.members(column), "member") if isinstance(column, Many) else (stage.table, column.name)
            parent, by = quoted(column.model._meta.db_table), quoted(column.by_column)
            queries.append(
                f"SELECT s.source_file, s.source_line, {position} AS position, CAST(s.{quoted(cell)} AS text) AS value"
                f" FROM {quoted(table)} s WHERE s.{quoted(cell)} IS NOT NULL"
                f" AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.{by} = s.{quoted(cell)})"
            )
    if not queries:
        return WithheldRows(Counter(), [], {})
    stage.collect(stage.problems, " UNION ALL ".join(queries))
    held = withhold(load, _unknown_in_rejected_rows(staged))
    _take_out(load, late)
    return held


def reject_incomplete_rows(load: SourceLoad, rows: StagedRows, late: LateRejections) -> None:
    """Reject rows that would create records if their file lacks a required column."""
    required = [(position, c) for position, c in enumerate(load.source.bound.values()) if c.required]
    absent = [position for position, column in required if column.name not in load.present]
    if not load.source.key or not absent:
        return
    queries = [
        f"SELECT s.source_file, s.source_line, {position} AS position, CAST(NULL AS text) AS value"
        f" FROM {rows.resolved()} s WHERE NOT EXISTS (SELECT 1 FROM {quoted(load.source.name)} r WHERE {rows.same})"
        for position in absent
    ]
    load.stage.collect(load.stage.problems, " UNION ALL ".join(queries))
    _take_out(load, late)


def _take_out(load: SourceLoad, late: LateRejections) -> None:
    """Reject the staged rows with a problem. Their records do not count as missing."""
    stage, problems = load.stage, quoted(load.stage.problems)
    if not _report_problems(load, late):
        return
    stage.need(stage.seen)
    keys = ", ".join(f"s.{quoted(name)}" for name in stage.key)
    has_problem = f"(s.source_file, s.source_line) IN (SELECT source_file, source_line FROM {problems})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quoted(stage.seen)} SELECT {keys} FROM {quoted(stage.table)} s WHERE {has_problem}"
        )
        for table in [stage.table, *(stage.members(column) for column in load.source.columns_of(Many))]:
            cursor.execute(f"DELETE FROM {quoted(table)} AS s WHERE {has_problem}")


def _report_problems(load: SourceLoad, late: LateRejections) -> int:
    """Reject each row with all of its problems. Return the number of rejected rows."""
    columns, count = list(load.source.bound.values()), 0
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT source_file, source_line, position, value FROM {quoted(load.stage.problems)}"
            " ORDER BY source_file, source_line, position, value"
        )
        problems = chain.from_iterable(iter(lambda: cursor.fetchmany(2000), []))
        for (file, line), of_row in groupby(problems, key=itemgetter(0, 1)):
            late.add(file, line, [_problem(columns[position], value) for _, _, position, value in of_row])
            count += 1
    return count


def _problem(column: Column, value: str | None) -> Problem:
    """Return the problem of a row whose *value* in *column* refers to an unknown record.

    If *value* is None, the column is absent.
    """
    if isinstance(column, Reference) and value is not None:
        return unknown_reference(column, value)
    return absent_column(column)


def _unknown_in_rejected_rows(staged: Staged) -> dict[str, set[Any]]:
    """Return the references to unknown records in rows that the validator rejected, by column."""
    unknown = {}
    for column in staged.load.source.references.values():
        values = {value for _, r in staged.rejections for value in r.references.get(column.name, ())}
        known: set[Any] = set()
        for chunk in chunks(sorted(values)):
            records = column.model._default_manager.filter(**{f"{column.by}__in": chunk})
            known.update(records.values_list(column.by, flat=True))
        unknown[column.name] = values - known
    return unknown


def may_defer_checks() -> bool:
    """Return whether this database role may defer foreign key checks to :func:`check_references`.

    PostgreSQL checks foreign keys row by row, which takes ten times as long as inserting the rows. If the role may set
    ``session_replication_role`` (as a superuser, or with GRANT SET ON PARAMETER since PostgreSQL 15), the import
    disables these checks and checks all references with one query. On SQLite, every connection may do this.
    """
    if connection.vendor != "postgresql":
        return not connection.in_atomic_block
    with connection.cursor() as cursor:
        if connection.get_database_version() < (15,):
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        else:
            cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        return bool(cursor.fetchone()[0])


@contextmanager
def write_transaction(*, unchecked: bool) -> Iterator[Preview]:
    """Open the merge transaction, which is rolled back unless it is kept.

    With *unchecked*, foreign key checks are deferred to :func:`check_references`.
    """
    on_sqlite = unchecked and connection.vendor == "sqlite"
    if on_sqlite:
        connection.disable_constraint_checking()  # has no effect inside a transaction
    try:
        with page_cache(LARGE), rolled_back() as preview:
            if unchecked and not on_sqlite:
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL session_replication_role = replica")
            expect_long_queries()
            yield preview
    finally:
        if on_sqlite:
            connection.enable_constraint_checking()


def expect_long_queries() -> None:
    """Configure PostgreSQL for a few queries over many rows, for this transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL maintenance_work_mem = '256MB'")
            # JIT compilation makes these queries slower. The server checks the connection, so it releases the dataset's
            # lock soon after the client has died. With more tables than the limits (8 by default), PostgreSQL joins the
            # last table last, even if it selects few records.
            cursor.execute(
                "SET LOCAL jit = off; SET LOCAL client_connection_check_interval = '1s';"
                " SET LOCAL join_collapse_limit = 20; SET LOCAL from_collapse_limit = 20"
            )


@contextmanager
def joins_by_index(*, few: bool) -> Iterator[None]:
    """Join *few* records of a large table by its indexes in the block, which is part of a transaction.

    PostgreSQL's planner reads the whole table from about one record in a hundred, which takes several times as long.
    """
    if not (few and connection.vendor == "postgresql"):
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        yield
        cursor.execute("SET LOCAL enable_hashjoin = DEFAULT; SET LOCAL enable_mergejoin = DEFAULT")


@contextmanager
def deferred_checks() -> Iterator[None]:
    """Defer foreign key checks in the block, which is part of a transaction, to :func:`broken_references`.

    On PostgreSQL, this depends on the role's permissions. SQLite's checks are fast and are not deferred.
    """
    deferred = connection.vendor == "postgresql" and may_defer_checks()
    with connection.cursor() as cursor:
        if deferred:
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        if deferred:  # a rollback resets it
            cursor.execute("SET LOCAL session_replication_role = origin")


def check_references(staged: Staged) -> None:
    """Check all references of the rows that this run wrote. Raises ImportRefusedError if one is broken."""
    load = staged.load
    fields = [
        column.field
        for column in load.stage.columns
        if isinstance(column.field, models.ForeignKey) and not _all_stored(staged, column)
    ]
    if count := broken_references(load.source.model, fields, f"r.changed_in_id IN ({load.files_sql})"):
        raise ImportRefusedError(
            f"{count} {'row refers' if count == 1 else 'rows refer'} to records that were deleted while "
            f"the files of {load.source.name} were read. Nothing was imported. Import the files again."
        )


def _all_stored(staged: Staged, column: Column) -> bool:
    """Return whether all terms of *column* in the rows of the files are stored. They are locked until the commit.

    In an export, the terms of corrected values are those of the records, so the records must be read.
    """
    if not isinstance(column, VocabularyColumn) or staged.load.parts:
        return False
    vocabulary = staged.vocabularies[column.name]
    used = {vocabulary.moved.get(key, key) for key in vocabulary.used_keys}
    parent, pk = quoted(column.model._meta.db_table), quoted(pk_column(column.model))
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for keys in chunks(sorted(used)):
            cursor.execute(f"SELECT {pk} FROM {parent} WHERE {pk} IN ({', '.join(map(str, keys))}){lock}")
            used -= {key for (key,) in cursor.fetchall()}
    return not used


def broken_references(model: type[models.Model], fields: Iterable[models.ForeignKey[Any, Any]], condition: str) -> int:
    """Return the number of rows r of *model* with *condition* and a broken reference in one of *fields*.

    The referenced rows are locked first, so they cannot be deleted before the commit.
    """
    table = quoted(model._meta.db_table)
    with connection.cursor() as cursor:
        joins, lost = [], []
        for position, field in enumerate(fields):
            parent, pk = quoted(field.related_model._meta.db_table), quoted(column_name(field.target_field))
            reference = f"r.{quoted(column_name(field))}"
            if connection.vendor == "postgresql":
                few, keys = issubclass(field.related_model, Vocabulary), ""
                if not few:  # the keys are read once, even if PostgreSQL expects that the other table has one row
                    keys = f"WITH keys AS MATERIALIZED (SELECT DISTINCT {reference} FROM {table} r WHERE {condition})"
                referenced = "" if few else f" WHERE p.{pk} IN (TABLE keys)"
                cursor.execute(
                    f"{keys} SELECT count(*) FROM (SELECT 1 FROM {parent} p{referenced} FOR KEY SHARE) locked"
                )
            joins.append(f"LEFT JOIN {parent} p{position} ON p{position}.{pk} = {reference}")
            lost.append(f"({reference} IS NOT NULL AND p{position}.{pk} IS NULL)")
        if not joins:
            return 0
        cursor.execute(f"SELECT count(*) FROM {table} r {' '.join(joins)} WHERE {condition} AND ({' OR '.join(lost)})")
        return int(cursor.fetchone()[0])
