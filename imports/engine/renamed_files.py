"""The guard against the same rows coming twice, because their file has got another name."""

from django.db import connection

from datasets.models import ContentRecord
from datasets.sql.chunks import chunks
from datasets.sql.dialect import quoted
from imports import fingerprints
from imports.engine.locks import ImportRefusedError
from imports.engine.source_load import SourceLoad
from imports.models import ImportRun, SourceFile

# How many rows of a file are compared. Identities are spread evenly, so the first ones in their order are a fair
# sample of a larger file: of 20,000 the share found is within 1.4 % of the true one (four standard errors).
SAMPLE = 20_000


def refuse_known_bytes(load: SourceLoad) -> None:
    """Raise ImportRefusedError where a file known by a new name has the bytes of one applied under another."""
    if not issubclass(load.source.model, ContentRecord) or load.parts:
        return
    applied = SourceFile.objects.filter(source=load.source.name, run__status=ImportRun.Status.APPLIED)
    names = set(applied.values_list("name", flat=True))
    others: dict[str, str] = {}
    for file in load.files:
        known = applied.filter(sha256=file.sha256).order_by("-pk").first()
        other = others.get(file.sha256, known.name if known else None)
        if file.name not in names and other and other != file.name:
            raise ImportRefusedError(_sentence(load, file, other, "is the same file as"))
        others[file.sha256] = file.name


def refuse_known_rows(load: SourceLoad) -> None:
    """Raise ImportRefusedError where more than half of a new name's rows are already there under another name.

    Called when the rows are merged and not yet committed.
    """
    if not issubclass(load.source.model, ContentRecord) or load.parts:
        return
    applied = SourceFile.objects.filter(source=load.source.name, run__status=ImportRun.Status.APPLIED)
    names = set(applied.values_list("name", flat=True))
    for file in load.files:
        if file.name in names:
            continue
        if names:
            rows = _sample(load, file)
            for name in sorted(names):
                if rows and _stored(load, fingerprints.renamed(rows, file.name, name)) * 2 > len(rows):
                    raise ImportRefusedError(_sentence(load, file, name, "holds mostly the rows of"))
        names.add(file.name)


def _sample(load: SourceLoad, file: SourceFile) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT identity FROM {quoted(load.source.name)} WHERE created_in_id = %s"
            f" ORDER BY identity LIMIT {SAMPLE}",
            [file.pk],
        )
        return [bytes(row) for (row,) in cursor.fetchall()]


def _stored(load: SourceLoad, identities: list[bytes]) -> int:
    found = 0
    for chunk in chunks(identities):
        found += load.source.model._default_manager.filter(identity__in=chunk).count()
    return found


def _sentence(load: SourceLoad, file: SourceFile, other: str, how: str) -> str:
    return (
        f"{file.original_name} {how} {other}, which has been imported into {load.source.name}; importing it would make "
        f"every record double. Say that it is known as {other} where it continues that file, or as {file.name} where "
        "its rows are others."
    )
