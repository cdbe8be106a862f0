"""Records whose last file was read again and no longer holds them: found, listed, and deleted where that was asked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from django.db import connection, models

from datasets.sql.dialect import quoted, sql_false
from datasets.sql.row_json import as_json
from imports import fingerprints
from imports.engine.locks import ImportRefusedError
from imports.engine.recognition import line_of
from imports.engine.rejected_values import with_values
from imports.engine.rejections import LateRejections
from imports.engine.source_load import SourceLoad, Staged
from imports.engine.spool import Spool
from imports.engine.staging import Stage, Writer
from imports.models import Change, ImportRun, SourceFile
from imports.sources import Column, Source, sources_of

FEW = 100  # missing records that are deleted whatever part of their table they are


def find_missing(staged: Staged, late: LateRejections, listed: Spool) -> dict[int, int]:
    """Add each missing record of the source to *listed*; returns how many there are, by file."""
    load, none = staged.load, dict.fromkeys(staged.load.file_ids, 0)
    if not load.source.key and not staged.known.unseen().size:
        return none
    _remember_rejected(staged, late)
    with connection.cursor() as cursor:
        columns = f"r.{quoted(load.source.model._meta.pk.column)} AS pk, f.name, r.changed_line"
        load.stage.collect(
            load.stage.missing,
            f"SELECT {columns} FROM {quoted(load.source.name)} r JOIN source_files f ON f.id = r.changed_in_id"
            + (_not_read_again(staged, cursor) if load.source.key else _unseen(staged))
            + (_not_continued(load) if load.mended else ""),
        )
        cursor.execute(f"SELECT name, count(*) FROM {quoted(load.stage.missing)} GROUP BY name")
        if not (counts := dict(cursor.fetchall())):
            return none
    for entry in _listed(load):
        listed.add(entry)
    return {file.pk: counts.pop(file.name, 0) for file in load.files}  # of two files known by one name, the first


def _not_continued(load: SourceLoad) -> str:
    """Return the condition on files f that no fixed rows continue them: such a file was not read again."""
    _add(load.stage, load.stage.continued, ["name"], ([file.name] for file in load.files if file.pk in load.mended))
    return f" AND f.name NOT IN (SELECT name FROM {quoted(load.stage.continued)})"


def _not_read_again(staged: Staged, cursor) -> str:
    """Return the condition on records of a source with a key: last seen in such a file before, and not this time."""
    load = staged.load
    # A document that was rejected does not say what has gone from it.
    _add(load.stage, load.stage.unusable, ["name", "line"], {(name, 0) for name, *_ in staged.unusable})
    conditions = [f"f.source = '{load.source.name}' AND f.id < {min(load.file_ids)} AND f.name IN ({load.names_query})"]
    if load.stage.has(load.stage.unusable):
        conditions.append(f"f.name NOT IN (SELECT name FROM {quoted(load.stage.unusable)})")
    stored = [(column.name, column.stored_as) for column in load.source.key_columns]
    for there in filter(load.stage.has, (load.stage.table, load.stage.seen)):
        if connection.vendor == "sqlite":
            names = ", ".join(quoted(name) for name in load.stage.key)
            cursor.execute(f"CREATE INDEX IF NOT EXISTS temp.{quoted(f'{there}_key')} ON {quoted(there)} ({names})")
        same = " AND ".join(f"x.{quoted(staged)} = r.{quoted(column)}" for staged, column in stored)
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {quoted(there)} x WHERE {same})")
    return f" WHERE {' AND '.join(conditions)}"


def _unseen(staged: Staged) -> str:
    """Return the condition on records known by content: no row has had their identity, nor had a rejected one."""
    stage, conditions = staged.load.stage, ["1 = 1"]
    stage.need(stage.unseen)
    with Writer(stage.unseen, ["identity"]) as writer:
        writer.write({"identity": fingerprints.stored(staged.known.unseen())})
    if stage.has(stage.seen):
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {quoted(stage.seen)} x WHERE x.identity = r.identity)")
    if stage.has(stage.unusable):
        # Content that was mended is not what its line says; that line is still in the file, though.
        there = "y.name = f.name AND y.line = r.changed_line"
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {quoted(stage.unusable)} y WHERE {there})")
    return f" JOIN {quoted(stage.unseen)} u ON u.identity = r.identity WHERE {' AND '.join(conditions)}"


@dataclass(frozen=True)
class Most:
    """Most of a table is missing: a file that was cut off, or is another, looks like that."""

    gone: int
    before: int
    table: str

    def __str__(self):
        return f"{self.gone:,} of the {self.before:,} records of {self.table} are missing, and would be deleted"

    @property
    def shortly(self) -> str:
        return f"{self.gone:,} of {self.before:,} {self.table}"

    def note(self, confirmed: bool) -> str:
        """Return what a preview says of it."""
        return f"{self}: most of them." + ("" if confirmed else " That is done only where “remove most” is asked for.")

    def refuse(self) -> None:
        """Raise ImportRefusedError: nobody has said that it is right."""
        raise ImportRefusedError(
            f"{self}. Nothing was imported. Preview it to see which they are; where it is right, ask for "
            "“remove most” as well."
        )


def most_of(source: Source, files: Iterable[SourceFile], created: int = 0) -> Most | None:
    """Return what *files* leave out of a source's table, if that is most of it; *created* are in it since."""
    gone = sum(file.missing for file in files)
    if gone <= FEW:
        return None
    before = source.model._default_manager.count() - created
    return Most(gone, before, source.name) if 2 * gone > before else None


def most_of_previewed(run: ImportRun) -> list[Most]:
    """Return what a previewed run would delete most of, were it applied now."""
    if not run.remove_missing or run.status != ImportRun.Status.PREVIEWED:
        return []
    files = list(run.files.all())
    found = (most_of(s, [f for f in files if f.source == s.name]) for s in sources_of(run.dataset))
    return [most for most in found if most]


def remove_missing(load: SourceLoad) -> tuple[dict[int, int], list[str]]:
    """Delete what :func:`find_missing` found, but for what others refer to.

    Returns how many, by file, and notes on what stays.
    """
    notes = []
    model, table, missing = load.source.model, quoted(load.source.name), quoted(load.stage.missing)
    pk = quoted(model._meta.pk.column)
    # A many-to-many refers by the foreign keys of its table, which are relations of their own.
    relations = [r for r in model._meta.related_objects if r.related_model._meta.managed and not r.many_to_many]
    # Rows that nothing can refer to go and are written down in one go, on PostgreSQL.
    at_once = connection.vendor == "postgresql" and not relations
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and relations:
            # Nobody may begin to refer to them now.
            rows = f"SELECT 1 FROM {table} WHERE {pk} IN (SELECT pk FROM {missing}) FOR UPDATE"
            cursor.execute(f"SELECT count(*) FROM ({rows}) locked")
        for relation in relations:
            child = relation.related_model
            if relation.on_delete is models.CASCADE:
                continue
            held = f"pk IN (SELECT {quoted(relation.field.column)} FROM {quoted(child._meta.db_table)})"
            cursor.execute(f"SELECT count(*) FROM {missing} WHERE {held}")
            if count := cursor.fetchone()[0]:
                notes.append(f"{count} missing of {load.source.name} stay: {child._meta.db_table} refers to them.")
                cursor.execute(f"DELETE FROM {missing} WHERE {held}")
        delete = f"DELETE FROM {table} WHERE {pk} IN (SELECT pk FROM {missing})"
        cursor.execute(
            (f"WITH gone AS ({delete} RETURNING *) " if at_once else "")
            + f'INSERT INTO changes (run_id, "table", record, kind, "before", standing) SELECT {load.run.pk},'
            f" '{load.source.name}', CAST(r.{pk} AS text), '{Change.Kind.DELETED}', {as_json(model, 'r')},"
            f" {sql_false()} FROM {'gone r' if at_once else f'{table} r WHERE r.{pk} IN (SELECT pk FROM {missing})'}"
        )
        for relation in relations:
            if relation.on_delete is models.CASCADE:
                child, column = quoted(relation.related_model._meta.db_table), quoted(relation.field.column)
                cursor.execute(f"DELETE FROM {child} WHERE {column} IN (SELECT pk FROM {missing})")
        for owned in model._meta.many_to_many:
            child, column = quoted(owned.m2m_db_table()), quoted(owned.m2m_column_name())
            cursor.execute(f"DELETE FROM {child} WHERE {column} IN (SELECT pk FROM {missing})")
        if not at_once:
            cursor.execute(delete)
        cursor.execute(f"SELECT name, count(*) FROM {missing} GROUP BY name")
        deleted = dict(cursor.fetchall())
    return {file.pk: deleted.pop(file.name, 0) for file in load.files}, notes


def _remember_rejected(staged: Staged, late: LateRejections) -> None:
    """Put the keys of rejected rows that could be read where the search for missing records sees them."""
    load = staged.load
    keys = ([r.identity] if r.identity else r.key for _, r in staged.rejections if r.identity or r.key)
    _add(load.stage, load.stage.seen, load.stage.key, keys)
    if not load.source.key:
        names = {file.pk: file.name for file in load.files}
        by_checker = ((f, line_of(load, r)) for f, r in staged.rejections)
        by_tables = ((f, line) for f, line, _ in late)
        if load.parts:
            by_tables = ((f, line_of(load, r)) for f, r in with_values(load, late))
        _add(
            load.stage,
            load.stage.unusable,
            ["name", "line"],
            ((names[f], line) for f, line in chain(by_checker, by_tables)),
        )
        if connection.vendor == "sqlite" and load.stage.has(load.stage.unusable):
            index, table = quoted(f"{load.stage.unusable}_line"), quoted(load.stage.unusable)
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE INDEX IF NOT EXISTS temp.{index} ON {table} (name, line)")


def _add(stage: Stage, table: str, columns: list[str], rows: Iterable) -> None:
    names, marks = ", ".join(quoted(name) for name in columns), ", ".join(["%s"] * len(columns))
    rows = iter(rows)
    with connection.cursor() as cursor:
        while chunk := list(islice(rows, 2000)):
            stage.need(table)
            cursor.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", chunk)


def _listed(load: SourceLoad) -> Iterator[dict]:
    model = load.source.model._meta
    known_by = [column.stored_as for column in load.source.key_columns] or [model.pk.column]
    # Of a record known by content, its number says nothing to anybody: what it holds does.
    values = [] if load.source.key else [c.stored_as for c in load.source.bound.values() if type(c) is Column][:4]
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT m.name, m.changed_line, m.pk, {', '.join(f'r.{quoted(name)}' for name in known_by + values)}"
            f" FROM {quoted(load.stage.missing)} m"
            f" JOIN {quoted(load.source.name)} r ON r.{quoted(model.pk.column)} = m.pk"
            " ORDER BY m.name, m.changed_line"
        )
        while rows := cursor.fetchmany(2000):
            for name, line, pk, *key in rows:
                held = dict(zip(values, key[len(known_by) :], strict=True))
                record = key[0] if len(known_by) == 1 else key[: len(known_by)]
                told = {"source": load.source.name, "pk": pk, "record": record, "values": held}
                yield told | {"file": name, "line": line}
