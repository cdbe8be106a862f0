"""Store the new terms of the rows of an import."""

from collections.abc import Collection, Iterator

from django.db import connection
from django.db.backends.utils import CursorWrapper

from datasets.sql.chunks import chunks
from datasets.sql.dialect import quoted, temporary
from imports.engine.source_load import SourceLoad, Staged
from imports.models import SourceFile
from imports.sources import VocabularyColumn
from imports.vocabularies import TermIndex


def store_new_terms(staged: Staged) -> tuple[dict[str, list[str]], list[str]]:
    """Store the new terms of the staged rows. Return the terms by table, and notes."""
    load, added, notes = staged.load, dict[str, list[str]](), list[str]()
    for column in load.source.columns_of(VocabularyColumn):
        vocabulary = staged.vocabularies[column.name]
        new = vocabulary.new()
        with connection.cursor() as cursor:
            written = sorted(vocabulary.used_keys & new.keys())
            used = {key: new[key] for key in _used(cursor, load, column, written)}
            vocabulary.moved = _store(vocabulary, used, load.files[0])
            if vocabulary.moved:
                _move(cursor, load, column, vocabulary.moved)
        notes += vocabulary.near_duplicates(set(used))
        if used:
            added[column.model._meta.db_table] = sorted(used.values())
    return added, notes


def _table_and_column(load: SourceLoad, column: VocabularyColumn) -> tuple[str, str]:
    """Return the table and the column that contain the keys of the terms."""
    return (load.source.name, column.stored_as) if load.direct else (load.stage.table, column.name)


def _used(cursor: CursorWrapper, load: SourceLoad, column: VocabularyColumn, keys: Collection[int]) -> Iterator[int]:
    """Yield those of the written *keys* that a row still has. Rows may have been removed from the stage."""
    if load.direct:
        yield from keys
        return
    table, name = map(quoted, _table_and_column(load, column))
    for chunk in chunks(keys, 100):
        # Nearly all terms occur in the first rows, so each of these stops early.
        queries = [f"EXISTS (SELECT 1 FROM {table} WHERE {name} = {key})" for key in chunk]
        cursor.execute(f"SELECT {', '.join(queries)}")
        yield from (key for key, exists in zip(chunk, cursor.fetchone(), strict=True) if exists)


def _store(vocabulary: TermIndex, names: dict[int, str], file: SourceFile) -> dict[int, int]:
    """Store terms under their reserved keys.

    If a concurrent import has stored a term or its key, the term has another key. Return both keys of such terms.
    """
    moved, terms = dict[int, int](), vocabulary.model._default_manager
    for chunk in chunks(names.items()):
        stored = dict(terms.filter(name__in=[name for _, name in chunk]).values_list("name", "pk"))
        taken = set(terms.filter(pk__in=[key for key, _ in chunk]).values_list("pk", flat=True))
        new = {}
        for key, name in chunk:
            if name in stored:
                moved[key] = stored[name]
                continue
            details = vocabulary.details[vocabulary.positions[name]]
            attributes = dict(zip(vocabulary.attributes, details, strict=True))
            new[key] = vocabulary.model(pk=None if key in taken else key, name=name, created_in=file, **attributes)
        terms.bulk_create(new.values())
        moved |= {key: term.pk for key, term in new.items() if term.pk != key}
    return moved


def _move(cursor: CursorWrapper, load: SourceLoad, column: VocabularyColumn, moved: dict[int, int]) -> None:
    """Change keys in one statement, because old and new keys may overlap."""
    table, name = map(quoted, _table_and_column(load, column))
    keys = temporary("moved_terms")
    cursor.execute(f"DROP TABLE IF EXISTS {keys}")
    cursor.execute('CREATE TEMPORARY TABLE moved_terms ("from" integer PRIMARY KEY, "to" integer)')
    for chunk in chunks(moved.items()):
        cursor.executemany("INSERT INTO moved_terms VALUES (%s, %s)", chunk)
    cursor.execute(
        f'UPDATE {table} SET {name} = (SELECT "to" FROM moved_terms WHERE "from" = {name})'
        f' WHERE {name} IN (SELECT "from" FROM moved_terms)'
    )
    cursor.execute(f"DROP TABLE {keys}")
