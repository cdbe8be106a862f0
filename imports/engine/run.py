"""An import, from files to tables: stage, merge, report, in one function that everything calls."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from datasets import matviews
from datasets.terminal_text import escaped
from datasets.versions import raise_version, version_of
from imports import run_diff, source_files
from imports.engine import missing, mostly_rejected, references, rejected_values, rejections, renamed_files
from imports.engine.file_layouts import find_layouts
from imports.engine.heartbeat import Heartbeat
from imports.engine.locks import (
    REPORT,
    ImportCancelledError,
    ImportLockedError,
    ImportRefusedError,
    finish,
    only_one,
    unwritable,
)
from imports.engine.merge import Merge, Merged, may_fill_directly
from imports.engine.mostly_rejected import MostlyRejectedError
from imports.engine.open_files import opened
from imports.engine.options import USUAL, Options
from imports.engine.pipeline import fill
from imports.engine.rejections import first_of_each_file
from imports.engine.source_load import Progress, SourceLoad, Staged, nothing_staged
from imports.engine.spool import Spool
from imports.engine.staging import drop_stages
from imports.models import ImportRun, SourceFile
from imports.readers import AlteredError, ReadError
from imports.sources import sources_of

__all__ = ["ImportLockedError", "ImportRefusedError", "Options", "Outcome", "import_files"]


@dataclass
class Outcome:
    """A run that came to its end, and the records that are missing from its files."""

    run: ImportRun
    missing: Spool = field(default_factory=Spool)


def import_files(
    dataset: str,
    paths: Iterable[Path] = (),
    options: Options = USUAL,
    progress=lambda files: lambda read, rows: None,
    *,
    uploads: Iterable[source_files.Upload] = (),
    run: ImportRun | None = None,
) -> Outcome:
    """Import files, or folders of files, into a dataset; without any, its folder under ``SOURCES_DIR``.

    *uploads* are files that came by browser, in place of paths; *run* is one that waits to be worked on, where there
    is one. *progress* is called with the SourceFiles, and returns what is called with the bytes and rows read since
    the last call. Raises ImportRefusedError, with one sentence, where nothing was imported; the run, if there was one,
    tells it too.
    """
    sources = sources_of(dataset)
    chosen = [Path(path) for path in paths] or [Path(settings.SOURCES_DIR, dataset)]
    try:
        if uploads := list(uploads):
            found, passed_over = source_files.find_uploads(uploads, sources, options.encoding), []
        else:
            found, passed_over = source_files.find(chosen, sources, options.encoding, options.patterns)
    except (source_files.FilesError, ReadError) as error:
        raise ImportRefusedError(escaped(str(error), "\n")) from None
    if options.known_as and len(found) != 1:
        raise ImportRefusedError(f"One file can be known as {options.known_as}, but {len(found)} were given.")

    with only_one(dataset) as interrupted:
        run = _begun(run, dataset, options)
        run.notes = [
            f"Run {old.pk} of {old.started_at:%Y-%m-%d %H:%M} was interrupted: {old.error}" for old in interrupted
        ]
        run.notes += passed_over
        outcome = Outcome(run)
        try:
            with _told(run), Heartbeat(run) as heartbeat:
                loads = opened(run, sources, found, options.known_as)
                _load(outcome, loads, options, progress, heartbeat)
        finally:
            if connection.connection is not None and connection.is_usable():
                drop_stages(sources)
    if run.status == ImportRun.Status.APPLIED:
        try:
            matviews.refresh(dataset)
        except DatabaseError as error:  # the run has been applied anyway
            why = str(error).strip().splitlines()[0]
            run.notes.append(f"Its views are not up to date: {why}. When that is mended: manage.py refresh_views")
            run.save(update_fields=["notes"])
    return outcome


def _begun(run: ImportRun | None, dataset: str, options: Options) -> ImportRun:
    """Return the run, which is running from now on; what it reported as a preview goes."""
    now = timezone.now()
    if run is None:
        return ImportRun.objects.create(
            dataset=dataset,
            dry_run=options.dry_run,
            strict=options.strict,
            remove_missing=options.remove_missing,
            remove_most=options.remove_most,
            allow_missing_columns=options.allow_missing_columns,
            started_by=options.started_by,
            encoding=options.encoding,
            known_as=options.known_as or "",
            begun_at=now,
            heartbeat=now,
        )
    waiting = ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.WAITING)
    if not waiting.update(status=ImportRun.Status.RUNNING, cancel_requested=False):
        raise ImportCancelledError("It was cancelled while it waited.")
    run.files.all().delete()
    run.status, run.error, run.notes, run.new_lookups = ImportRun.Status.RUNNING, "", [], {}
    run.begun_at = run.heartbeat = now
    run.finished_at, run.dry_run, run.merging, run.bytes_read, run.rows_read = None, options.dry_run, False, 0, 0
    run.save(update_fields=[*REPORT, "begun_at", "heartbeat", "merging", "bytes_read", "rows_read"])
    return run


@contextmanager
def _told(run: ImportRun) -> Iterator[None]:
    """See that a run that stops says why, as one sentence."""
    try:
        yield
    except (ReadError, ImportRefusedError) as error:
        sentence = str(error)
        for file in run.files.all():  # it is the kept bytes that are read
            sentence = sentence.replace(str(source_files.kept_at(file.sha256)), file.original_name)
        cancelled = isinstance(error, ImportCancelledError)
        finish(run, ImportRun.Status.CANCELLED if cancelled else ImportRun.Status.FAILED, sentence)
        raise ImportRefusedError(sentence) from None
    except DatabaseError as error:
        sentence = f"The database refused: {str(error).strip().splitlines()[0]}. Nothing was imported."
        with suppress(DatabaseError):
            finish(run, ImportRun.Status.FAILED, sentence)
        raise ImportRefusedError(sentence) from error
    except OSError as error:
        finish(run, ImportRun.Status.FAILED, unwritable(error))
        raise ImportRefusedError(run.error) from error
    except KeyboardInterrupt:
        connection.close()  # it may be in the middle of a statement
        finish(run, ImportRun.Status.INTERRUPTED, "It was stopped by hand. Nothing was imported.")
        raise ImportRefusedError(run.error) from None
    except BaseException as error:
        finish(run, ImportRun.Status.FAILED, f"A fault of this program: {type(error).__name__}: {error}")
        raise


def _load(outcome: Outcome, loads: list[SourceLoad], options: Options, progress, heartbeat: Heartbeat) -> None:
    """Stage, then merge in one transaction, which applies the run: its report is part of it.

    A run that is not applied leaves its report all the same, written after everything else was rolled back.
    """
    run = outcome.run
    told = [file for load in loads for file in load.read_files]
    ImportRun.objects.filter(pk=run.pk).update(bytes_total=sum(file.size for file in told))
    show = progress(told)

    def tell(read: int, rows: int) -> None:
        show(read, rows)
        heartbeat.tell(read, rows)

    run.tables_seen = str(version_of(run.dataset))
    unchecked = references.checks_are_ours()
    merges: list[Merge] = []
    try:
        loads, notes = _laid_out(loads, options)
        merges += map(Merge, nothing_staged(loads))
        drop_stages(load.source for load in loads)  # if a connection has been left with any
        for merge in merges:
            if not merge.load.direct:
                merge.load.stage.create()
                fill(merge.staged, tell)
        heartbeat.merging()
        with references.write_transaction(unchecked) as preview:
            _merge(outcome, merges, notes, options, tell)
            if unchecked:
                for load in loads:
                    references.prove(load)
            heartbeat.check()
            if options.expecting and str(version_of(run.dataset)) != options.expecting:
                run.dry_run, run.remove_most = True, False  # what was confirmed is not what would be done now
                run.notes.append("The tables have changed since it was previewed: this is what it would do now.")
            run_diff.keep(run, merges, outcome.missing, whole=run.dry_run)
            if not run.dry_run:
                preview.keep()
                _record(loads, merges)
                if (
                    run.new_lookups
                    or any(file.created for load in loads for file in load.files)
                    or run.changes.exists()
                ):
                    raise_version(run.dataset)
                finish(run, ImportRun.Status.APPLIED)
    except (AlteredError, ImportCancelledError):
        raise  # its rows are not those of the file that the run names; or nobody waits for them
    except Exception as error:
        heartbeat.check()  # what was interrupted is no fault
        stopped = error.file if isinstance(error, MostlyRejectedError) else None
        if stopped:
            stopped.read, stopped.rejected = error.read, error.rejected
        with suppress(DatabaseError):  # what went wrong is told, whether or not this can be written
            _record(loads, merges, stopped)
        raise
    if run.dry_run:
        _record(loads, merges)
        finish(run, ImportRun.Status.PREVIEWED)


def _laid_out(loads: list[SourceLoad], options: Options) -> tuple[list[SourceLoad], list[list[str]]]:
    """Return the loads once the layout of every file is known, and the notes on each."""
    found, notes = [], []
    for load in loads:
        load, of_load = find_layouts(load, options.allow_missing_columns)
        if not options.known_as:
            renamed_files.refuse_known_bytes(load)
        found.append(replace(load, direct=may_fill_directly(load)))
        notes.append(of_load)
    return found, notes


def _merge(outcome: Outcome, merges: list[Merge], notes: list[list[str]], options: Options, tell: Progress) -> None:
    run = outcome.run
    for merge, of_load in zip(merges, notes, strict=True):
        load, staged, merged = merge.load, merge.staged, merge.merge(tell)
        _count(staged, merged)
        mostly_rejected.refuse(staged, load.files, merged.late.counts)
        for table, values in merged.new_lookups.items():
            run.new_lookups[table] = run.new_lookups.get(table, []) + values
        if not options.known_as:
            renamed_files.refuse_known_rows(load)
        run.notes += of_load + staged.notes + merged.notes + staged.markers.notes()
    for merge in reversed(merges):  # children before the parents that they hold
        load, files = merge.load, merge.load.files
        counts = missing.find_missing(merge.staged, merge.done.late, outcome.missing)
        for file in files:
            file.missing = counts[file.pk]
        if any(counts.values()) and options.remove_missing:
            if most := missing.most_of(load.source, files, sum(file.created for file in files)):
                if options.dry_run:
                    run.notes.append(most.note(confirmed=options.remove_most))
                elif not options.remove_most:
                    most.refuse()
            deleted, stay = missing.remove_missing(load)
            for file in files:
                file.deleted = deleted[file.pk]
            run.notes += stay
    rejected = sum(file.rejected for merge in merges for file in merge.load.files)
    if options.strict and rejected:
        raise ImportRefusedError(
            f"{rejected} {'row' if rejected == 1 else 'rows'} cannot be used, and a strict import allows none. "
            "Nothing was imported; mend them, or import without “strict”."
        )


def _count(staged: Staged, merged: Merged) -> None:
    """Put what has become of the rows into the records of their files."""
    for file in staged.load.files:
        checked = staged.rejections.count(file)
        file.read, file.rejected = staged.usable[file.pk] + checked, checked + merged.late.counts[file.pk]
        for name in ("created", "updated", "updated_unseen", "kept", "kept_unseen", "duplicates"):
            setattr(file, name, getattr(merged, name)[file.pk])
        file.unchanged = file.read - file.rejected - file.created - file.updated - file.duplicates


def _record(loads: list[SourceLoad], merges: list[Merge], stopped: SourceFile | None = None) -> None:
    """Store the counts and the rejected rows; of the source of a file that was *stopped*, the first of each file."""
    for load in loads:
        for file in load.files:
            file.save()
    for merge in merges:
        checked = merge.staged.rejections.with_unknown(merge.done.unknown)
        of_tables: Iterable = merge.done.late
        if stopped in merge.load.files:
            checked, of_tables = first_of_each_file(checked), first_of_each_file(of_tables)
        rejections.store(checked)
        rejections.store(rejected_values.with_values(merge.load, of_tables))
