"""Skip the rows of records that a curator has deleted."""

from collections import Counter

from django.db import connection

from datasets.sql.dialect import quoted
from datasets.sql.row_json import value_of
from imports import fingerprints
from imports.engine.source_load import SourceLoad, Staged
from imports.sources import Many


def skip_deleted(load: SourceLoad) -> tuple[Counter[int], list[int]]:
    """Remove the staged rows of deleted records. Return their number by file, and the Changes with the tombstones.

    Only sources with a key need this. Other sources find the rows of deleted records before staging.
    """
    stage = load.stage
    stored = [(column.name, value_of(column.field, "c.before")) for column in load.source.key_columns]
    tombstones = f"SELECT 1 FROM changes c WHERE c.is_tombstone AND c.{quoted('table')} = '{load.source.name}'"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({tombstones})")
        if not cursor.fetchone()[0]:
            return Counter(), []
        keys = ", ".join(f"{value} AS {quoted(name)}" for name, value in stored)
        stage.collect(stage.deleted, tombstones.replace("SELECT 1", f"SELECT c.id AS deletion, {keys}"))
        same = " AND ".join(f"d.{quoted(name)} = s.{quoted(name)}" for name, _ in stored)
        is_deleted = f"EXISTS (SELECT 1 FROM {quoted(stage.deleted)} d WHERE {same})"
        cursor.execute(
            f"SELECT source_file, count(*) FROM {quoted(stage.table)} s WHERE {is_deleted} GROUP BY source_file"
        )
        counts = Counter(dict(cursor.fetchall()))
        cursor.execute(
            f"SELECT DISTINCT d.deletion FROM {quoted(stage.deleted)} d JOIN {quoted(stage.table)} s ON {same}"
        )
        deletions = [deletion for (deletion,) in cursor.fetchall()]
        for column in load.source.columns_of(Many):
            rows = f"SELECT s.source_file, s.source_line FROM {quoted(stage.table)} s WHERE {is_deleted}"
            cursor.execute(
                f"DELETE FROM {quoted(stage.members(column))} AS m WHERE (m.source_file, m.source_line) IN ({rows})"
            )
        cursor.execute(f"DELETE FROM {quoted(stage.table)} AS s WHERE {is_deleted}")
    return counts, deletions


def corrected_and_seen(staged: Staged) -> Counter[int]:
    """Return the number of records without a key whose correction differs from their row in the file, by file."""
    load = staged.load
    files = {file.name: file.pk for file in load.files}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT f.name, r.identity FROM {quoted(load.source.name)} r JOIN source_files f ON f.id = r.changed_in_id"
            f" WHERE {load.corrected_sql}"
        )
        rows = cursor.fetchall()
    if not rows:
        return Counter()
    seen = staged.known.was_seen(fingerprints.lanes_of(identity for _, identity in rows))
    return Counter(files[name] for (name, _), was_seen in zip(rows, seen, strict=True) if was_seen)
