"""Refuse renamed files, because their rows would be imported a second time."""

from collections.abc import Iterator, Sequence

from django.db import connection

from datasets.models import ContentRecord
from datasets.sql.chunks import AT_ONCE, chunks
from datasets.sql.dialect import quoted
from imports import fingerprints
from imports.engine.locks import CopyRefusedError
from imports.engine.source_load import SourceLoad
from imports.models import ImportRun, SourceFile

# The number of rows of a file to compare. Identities are evenly distributed, so the lowest identities are a random
# sample of a larger file. With 20,000 rows, the error of the share is at most 1.4 % (four standard errors).
SAMPLE = 20_000
# If more than half of the rows are stored under a name, at least one of so many is, except in one of a million files.
FIRST = 20


def refuse_known_bytes(load: SourceLoad) -> None:
    """Raise CopyRefusedError if a file with a new name has the same bytes as an applied file."""
    if not issubclass(load.source.model, ContentRecord) or load.parts:
        return
    applied = SourceFile.objects.filter(source=load.source.name, run__status=ImportRun.Status.APPLIED)
    names = set(applied.values_list("name", flat=True).distinct())
    others: dict[tuple[str, str], str] = {}
    for file in load.files:
        known = applied.filter(sha256=file.sha256, part=file.part).order_by("-pk").first()
        other = others.get((file.sha256, file.part), known.name if known else None)
        if file.name not in names and other and other != file.name:
            raise _refusal(load, file, other, "has the same content as")
        others[file.sha256, file.part] = file.name


def refuse_known_rows(load: SourceLoad) -> None:
    """Raise CopyRefusedError if more than half of the rows of a new file are stored under another file's name.

    Call it after merging the rows and before the commit.
    """
    if not issubclass(load.source.model, ContentRecord) or load.parts:
        return
    applied = SourceFile.objects.filter(source=load.source.name, run__status=ImportRun.Status.APPLIED)
    names = set(applied.values_list("name", flat=True).distinct())
    for file in load.files:
        if file.name in names:
            continue
        rows = _sample(load, file) if names else []
        for name in _names_with_rows(load.source.model, rows[:FIRST], file.name, sorted(names)):
            if len(_stored(load.source.model, fingerprints.renamed(rows, file.name, name))) * 2 > len(rows):
                raise _refusal(load, file, name, "mostly contains the rows of")
        names.add(file.name)


def _names_with_rows(model: type[ContentRecord], rows: list[bytes], name: str, others: Sequence[str]) -> Iterator[str]:
    """Yield those of the *others* under which any of the *rows* of the file *name* is stored."""
    for some in chunks(others, AT_ONCE // FIRST):
        names = {identity: other for other in some for identity in fingerprints.renamed(rows, name, other)}
        yield from sorted({names[identity] for identity in _stored(model, list(names))})


def _sample(load: SourceLoad, file: SourceFile) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT identity FROM {quoted(load.source.name)} WHERE created_in_id = %s"
            f" ORDER BY identity LIMIT {SAMPLE}",
            [file.pk],
        )
        return [bytes(row) for (row,) in cursor.fetchall()]


def _stored(model: type[ContentRecord], identities: list[bytes]) -> list[bytes]:
    """Return those of *identities* that are stored."""
    stored = (model._default_manager.filter(identity__in=chunk) for chunk in chunks(identities))
    return [bytes(identity) for records in stored for identity in records.values_list("identity", flat=True)]


def _refusal(load: SourceLoad, file: SourceFile, other: str, how: str) -> CopyRefusedError:
    return CopyRefusedError(
        f"{file.original_name} {how} {other}, which was imported into {load.source.name}. Importing it would duplicate "
        f"every record. If it is a new version of {other}, set “new version of” to {other}; if it is a different file, "
        f"set it to {file.name}.",
        {"name": file.name, "other": other, "sha256": file.sha256},
    )
