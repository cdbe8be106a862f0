"""Import runs as programs read them: what was asked for, how far it has come, what became of it, what can be done."""

from collections.abc import Collection
from typing import Any

from django.db.models import prefetch_related_objects
from django.urls import reverse

from datasets import reports
from datasets.models import ImportRun, RejectedRow, SourceFile
from datasets.private_text import RunTexts
from datasets.rejected import Reader, told_as
from datasets.sources import dataset_apps, sources_of

Status = ImportRun.Status
WORKING = (Status.WAITING, Status.RUNNING)


def address_of(request, run: ImportRun, action: str = "detail") -> str:
    """Return the absolute address of a run, or of something that can be done with it."""
    return request.build_absolute_uri(reverse(f"imports-{action}", args=[run.pk]))


def summary_of(request, run: ImportRun) -> dict[str, Any]:
    """Return what a list tells of a run."""
    return {
        "id": run.pk,
        "url": address_of(request, run),
        "dataset": run.dataset,
        "status": run.status,
        "mode": "rehearse" if run.dry_run else "apply",
        "strict": run.strict,
        "remove_missing": run.remove_missing,
        "remove_most": run.remove_most,
        "allow_missing_columns": run.allow_missing_columns,
        "encoding": run.encoding,
        "known_as": run.known_as,
        "uploads": run.uploads,
        "started_by": run.started_by and run.started_by.get_username(),
        "started_at": run.started_at,
        "begun_at": run.begun_at,
        "finished_at": run.finished_at,
        "progress": _progress(run) if run.status in WORKING else None,
        "error": RunTexts(run, request.user).error,
    }


def body_of(request, run: ImportRun) -> dict[str, Any]:
    """Return all that is told of a run."""
    prefetch_related_objects([run], "files")
    unseen, texts = reports.unseen_sources(request.user, run.dataset), RunTexts(run, request.user)
    sources = [
        {"source": source, **reports.totals(files, unseen), "files": [_file(file, unseen, texts) for file in files]}
        for source, files in reports.by_source(run).items()
    ]
    more = {"notes": texts.notes, "new_lookups": texts.new_lookups, "sources": sources}
    return summary_of(request, run) | more | {"links": _links(request, run)}


def rejections_of(run: ImportRun, rows: list[RejectedRow], user) -> list[dict[str, Any]]:
    """Return rejected rows of a run as *user* may see them; those of a source that is no more are only counted."""
    known = sources_of(run.dataset) if run.dataset in dataset_apps() else []
    readers = {source.name: Reader(source, user) for source in known}
    return [_rejection(row, readers.get(row.file.source)) for row in rows]


def _rejection(row: RejectedRow, reader: Reader | None) -> dict[str, Any]:
    told: dict[str, Any] = {"source": row.file.source, "file": row.file_id, "name": told_as(row.file), "line": row.line}
    if reader is None:
        return told | {"values": None, "problems": []}
    is_raw = not isinstance(row.values, dict)
    values = reader.raw(row) if is_raw else {cell["heading"]: cell["value"] for cell in reader.cells(row)}
    return told | {"values": values, "problems": reader.problems(row)}


def _progress(run: ImportRun) -> dict[str, Any]:
    told = reports.progress(run)
    return {
        "bytes_read": told["read"],
        "bytes_total": told["total"],
        "rows_read": told["rows"],
        "rows_a_second": told["rows_a_second"],
        "seconds_left": None if told["left"] is None else int(told["left"].total_seconds()),
        "merging": run.merging,
    }


def _file(file: SourceFile, unseen: Collection[str], texts: RunTexts) -> dict[str, Any]:
    named = {"id": file.pk, "name": file.name, "sha256": file.sha256, "size": file.size, "encoding": file.encoding}
    return named | reports.counts(file, unseen) | {"unknown_columns": texts.unknown_columns(file)}


def _links(request, run: ImportRun) -> dict[str, str]:
    """Return the addresses of what can be done with the run as it is."""
    can = {
        "rejections": run.status not in WORKING,
        "apply": run.status == Status.REHEARSED,
        "cancel": run.status in WORKING,
        "undo": run.status == Status.LANDED,
    }
    return {action: address_of(request, run, action) for action, possible in can.items() if possible}
