"""Reports of a run: a summary for the terminal, and the full report as JSON."""

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from itertools import chain
from math import inf
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from datasets.permissions import may
from datasets.records.masking import Viewer, hidden_fields
from datasets.registry import dataset_apps
from datasets.terminal_text import escaped
from datasets.text import visible
from imports import merge_steps
from imports.engine.listed_missing import LISTED
from imports.engine.run import Outcome
from imports.models import ImportRun, RejectedRow, SourceFile
from imports.rejected_rows import line_file_name
from imports.resolved_rows import RowState
from imports.sources import sources_of

PHASES = ("Reading", "Comparing", "Saving")  # of a run: reading files, comparing rows with the tables, saving
SHOWN = 10  # rejected rows and missing records in the summary; the JSON report lists them all, or the first LISTED


def by_source(run: ImportRun) -> dict[str, list[SourceFile]]:
    """Return the run's files, grouped by the source that read them."""
    sources: dict[str, list[SourceFile]] = {}
    for file in run.files.all():
        sources.setdefault(file.source, []).append(file)
    return sources


def counted_as(run: ImportRun) -> str:
    """Return what the counts of a run are: ``applied``, or ``preview`` if the run was never applied, …"""
    status = ImportRun.Status
    words = {
        status.APPLIED: "applied",
        status.UNDONE: "undone: no longer applied",
        status.PREVIEWED: "preview: nothing was applied",
        status.DISCARDED: "discarded: nothing was applied",
    }
    return words.get(status(run.status), "not applied")


def counts(file: SourceFile, unseen: Collection[str] = ()) -> dict[str, int]:
    """Return the counts of *file* for a user without permission to see the personal data of the sources *unseen*.

    The counts do not reveal whether the values in a file match such data: a record that differs only in personal data
    counts as unchanged, and a correction of personal data is not counted.
    """
    result = {name: getattr(file, name) for name in SourceFile.COUNTS}
    if file.source in unseen:
        result["updated"] -= file.updated_unseen
        result["unchanged"] += file.updated_unseen
        result["kept"] -= file.kept_unseen
        result["paired"] -= file.updated_unseen if file.paired else 0
    return result


def totals(files: Iterable[SourceFile], unseen: Collection[str] = ()) -> dict[str, int]:
    """Return the sums of the :func:`counts` of *files*."""
    each = [counts(file, unseen) for file in files]
    return {name: sum(file_counts[name] for file_counts in each) for name in SourceFile.COUNTS}


def unseen_sources(user: Viewer, *datasets: str) -> frozenset[str]:
    """Return the names of the sources of *datasets* with personal data that *user* does not have permission to see."""
    known = [source for name in datasets if name in dataset_apps() for source in sources_of(name)]
    return frozenset(source.name for source in known if hidden_fields(source.model, user))


def may_view_records(user: Viewer, dataset: str) -> bool:
    """Return whether *user* may view the records of every table of *dataset*."""
    if dataset not in dataset_apps():
        return False
    return all(may(user, "view", source.model) for source in sources_of(dataset))


def progress(run: ImportRun) -> dict[str, Any]:
    """Return the progress of a run: bytes and rows read, rows per second, remaining time, phase, and per mille.

    Reading and merging are each half of the run.
    """
    total = run.bytes_total or sum(upload["size"] for upload in run.uploads)
    read = min(run.bytes_read, total)
    seconds = (timezone.now() - run.begun_at).total_seconds() if run.begun_at else 0
    begun = seconds and read * 100 >= total  # before that, an estimate would be unreliable
    left = seconds * (total - read) / read if begun and read else None
    steps_done = merge_steps.completed(run)
    merged = steps_done / run.merge_steps if run.merge_steps else 0
    return {
        "phase": _phase(run, steps_done, all_read=read >= total),
        "per_mille": round(500 * (read / total if total else 0) + 500 * merged),
        "total": total,
        "read": read,
        "rows": run.rows_read,
        "rows_a_second": round(run.rows_read / seconds) if begun else 0,
        "left": timedelta(seconds=round(left)) if left is not None else None,
        "all_read": bool(total) and read >= total,
    }


def _phase(run: ImportRun, steps_done: int, *, all_read: bool) -> str:
    """Return the phase of a running import, one of PHASES."""
    if run.merging and steps_done + 1 >= run.merge_steps > 0:
        return PHASES[2]
    return PHASES[1] if all_read else PHASES[0]


def summary(outcome: Outcome) -> Iterator[str]:
    """Yield the lines of a run's summary."""
    run = outcome.run
    seconds = ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
    previewed = " Nothing was changed: this was a preview." if run.dry_run else ""
    yield f"Run {run.pk} of {run.dataset} {run.get_status_display().lower()} in {seconds:.1f} s.{previewed}"
    for source, files in by_source(run).items():
        where = _printed(files[0].name) if len(files) == 1 else f"{len(files):,} files"
        counts = totals(files)
        shown = [
            f"{count:,} {name.replace('_', ' ')}"
            for name, count in counts.items()
            if count or name in SourceFile.COUNTS[:4]
        ]
        yield f"  {source} ({where}): {', '.join(shown)}"
    for table, terms in run.new_terms.items():
        yield f"  new terms in {table}: {', '.join(map(_printed, terms))}"
    for note in run.notes:
        yield f"  {note}"
    yield from rejected_lines(run)
    if missing := outcome.missing.count:
        counts = {"deleted": sum(file.deleted for file in run.files.all())}
        counts["with corrections"] = outcome.missing.count_corrected
        further = "".join(f", {count:,} {what}" for what, count in counts.items() if count)
        yield f"Missing from their source files ({missing:,}{further}):"
        for entry, _ in zip(outcome.missing, range(SHOWN), strict=False):
            called = f" ({', '.join(map(str, entry['values'].values()))})" if entry["values"] else ""
            record = _printed(f"{entry['source']} {entry['record']}{called}, last seen in {entry['file']}")
            yield f"  {record} on line {entry['line']}"
        yield from _more(missing, LISTED)


def rejected_rows_of(run: ImportRun) -> QuerySet[RejectedRow]:
    """Return the rows that *run* rejected, without those that were fixed before or are ignored."""
    return RejectedRow.objects.filter(file__run=run, state=RowState.OPEN).order_by("file", "line", "pk")


def rejected_lines(run: ImportRun) -> Iterator[str]:
    """Yield lines about the first rejected rows of a run, with all problems of each row."""
    rejected = rejected_rows_of(run).select_related("file__run")
    if not (count := rejected.count()):
        return
    yield f"Rejected ({count:,}):"
    for row in rejected[:SHOWN]:
        yield f"  {row.file.source}, {_printed(line_file_name(row.file))} line {row.line}: {row.problem_text}"
    yield from _more(count)


def _printed(text: str) -> str:
    """Return *text* with control characters and invisible characters replaced with codes."""
    return visible(escaped(text))


def _more(count: int, most: float = inf) -> Iterator[str]:
    if count > SHOWN:
        listed = "lists them all" if count <= most else f"lists the first {most:,}"
        yield f"  and {count - SHOWN:,} more; --report FILE {listed}."


def whole(outcome: Outcome) -> Iterator[str]:
    """Yield the full report as JSON in pieces, with one rejected row or missing record at a time."""
    run = outcome.run
    sources = []
    for source, files in by_source(run).items():
        each = [
            {"file": f.name, "sha256": f.sha256}
            | {name: getattr(f, name) for name in SourceFile.COUNTS}
            | {"unknown_columns": f.unknown_columns}
            for f in files
        ]
        alone = len(files) == 1
        name = files[0].name if alone else ", ".join(f.name for f in files)
        sources.append(
            {"source": source, "file": name, "sha256": files[0].sha256 if alone else None}
            | totals(files)
            | {"files": each}
        )
    head = {
        "run": run.pk,
        "dataset": run.dataset,
        "status": run.status,
        "dry_run": run.dry_run,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "error": run.error,
        "reason": run.reason,
        "sources": sources,
        "new_terms": run.new_terms,
        "notes": run.notes,
    }
    rejected = rejected_rows_of(run).select_related("file__run")
    rejections = (
        {
            "source": r.file.source,
            "file": line_file_name(r.file),
            "line": r.line,
            "values": r.values,
            "problems": r.problems,
        }
        for r in rejected.iterator(2000)
    )
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    pairs = chain.from_iterable(outcome.pairs)
    for name, entries in (("missing", iter(outcome.missing)), ("pairs", pairs), ("rejections", rejections)):
        yield f',\n "{name}": ['
        for index, entry in enumerate(entries):
            yield (",\n  " if index else "\n  ") + json.dumps(entry, ensure_ascii=False, default=str)
        yield "\n ]"
    yield "\n}\n"


def refusal(dataset: str, error: str) -> Iterator[str]:
    """Yield the report of an import that was refused before a run was created."""
    nothing: dict[str, Any] = {
        "sources": [],
        "new_terms": {},
        "notes": [],
        "missing": [],
        "pairs": [],
        "rejections": [],
    }
    report = {"run": None, "dataset": dataset, "status": ImportRun.Status.FAILED, "error": error} | nothing
    yield json.dumps(report, ensure_ascii=False, indent=1) + "\n"
