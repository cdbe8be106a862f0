"""Records that somebody deleted by hand: a file that still has them is passed over there, until they are restored."""

from collections import Counter

import numpy as np
from django.db import connection

from datasets.sql.dialect import quoted
from datasets.sql.row_json import value_of
from imports.engine.source_load import SourceLoad, Staged
from imports.sources import Many


def pass_over(load: SourceLoad) -> tuple[Counter[int], list[int]]:
    """Take the staged rows of deleted records out; returns how many, by file, and the Changes that deleted them.

    For sources with a key; of the others, such rows are known before they are staged.
    """
    stage = load.stage
    stored = [(column.name, value_of(column.field, "c.before")) for column in load.source.key_columns]
    standing = f"SELECT 1 FROM changes c WHERE c.standing AND c.{quoted('table')} = '{load.source.name}'"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({standing})")
        if not cursor.fetchone()[0]:
            return Counter(), []
        keys = ", ".join(f"{value} AS {quoted(name)}" for name, value in stored)
        stage.collect(stage.deleted, standing.replace("SELECT 1", f"SELECT c.id AS deletion, {keys}"))
        same = " AND ".join(f"d.{quoted(name)} = s.{quoted(name)}" for name, _ in stored)
        theirs = f"EXISTS (SELECT 1 FROM {quoted(stage.deleted)} d WHERE {same})"
        cursor.execute(f"SELECT source_file, count(*) FROM {quoted(stage.table)} s WHERE {theirs} GROUP BY source_file")
        counts = Counter(dict(cursor.fetchall()))
        cursor.execute(
            f"SELECT DISTINCT d.deletion FROM {quoted(stage.deleted)} d JOIN {quoted(stage.table)} s ON {same}"
        )
        deletions = [deletion for (deletion,) in cursor.fetchall()]
        for column in load.source.columns_of(Many):
            rows = f"SELECT s.source_file, s.source_line FROM {quoted(stage.table)} s WHERE {theirs}"
            cursor.execute(
                f"DELETE FROM {quoted(stage.members(column))} AS m WHERE (m.source_file, m.source_line) IN ({rows})"
            )
        cursor.execute(f"DELETE FROM {quoted(stage.table)} AS s WHERE {theirs}")
    return counts, deletions


def corrected_and_seen(staged: Staged) -> Counter[int]:
    """Return how many records known by content hold a correction against the row that was read again, by file."""
    load = staged.load
    files = {file.name: file.pk for file in load.files}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT f.name, r.identity FROM {quoted(load.source.name)} r JOIN source_files f ON f.id = r.changed_in_id"
            f" WHERE r.corrections IS NOT NULL AND f.source = '{load.source.name}' AND f.name IN ({load.names_query})"
        )
        rows = cursor.fetchall()
    if not rows:
        return Counter()
    lanes = np.frombuffer(b"".join(bytes(identity) for _, identity in rows), "<u8").reshape(-1, 2).T
    seen = staged.known.was_seen(lanes)
    return Counter(files[name] for (name, _), was in zip(rows, seen, strict=True) if was)
