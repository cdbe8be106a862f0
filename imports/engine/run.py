"""Run an import: stage the files, merge the rows and report the result, for commands, pages and the API."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from datasets.sql.dry_run import Preview
from datasets.terminal_text import escaped
from datasets.versions import raise_version, version_of
from imports import source_files
from imports.engine import mostly_rejected, outcomes, references, renamed_files, resolutions, run_diff
from imports.engine.chosen_pairs import withdraw_others
from imports.engine.doubtful_pairs import refuse_doubtful_pairs
from imports.engine.file_layouts import find_layouts
from imports.engine.heartbeat import Heartbeat
from imports.engine.interrupted import finish_interrupted
from imports.engine.listed_missing import MissingRecords, count_missing
from imports.engine.locks import (
    CopyRefusedError,
    ImportCancelledError,
    ImportLockedError,
    ImportRefusedError,
    import_lock,
    unwritable,
)
from imports.engine.merge import STEPS, Merge, may_fill_directly
from imports.engine.missing_records import delete_missing, find_missing
from imports.engine.mostly_rejected import MostlyRejectedError
from imports.engine.open_files import open_sources
from imports.engine.options import DEFAULT_OPTIONS, Options
from imports.engine.outdated_previews import refuse_outdated
from imports.engine.pair_list import PairList
from imports.engine.pipeline import fill
from imports.engine.source_load import Progress, SourceLoad, StartProgress, empty_staged
from imports.engine.staging import drop_stages
from imports.input_files import stored_file
from imports.models import Change, ImportRun, SourceFile
from imports.readers import AlteredError, ReadError
from imports.sources import sources_of

__all__ = ["ImportLockedError", "ImportRefusedError", "Options", "Outcome", "import_files"]


@dataclass
class Outcome:
    """A finished run, the records that are missing from its files, and the rows that were paired with records."""

    run: ImportRun
    missing: MissingRecords = field(default_factory=MissingRecords)
    pairs: list[PairList] = field(default_factory=list)  # of each source


def import_files(
    dataset: str,
    paths: Iterable[Path] = (),
    options: Options = DEFAULT_OPTIONS,
    progress: StartProgress = lambda files: lambda read, rows: None,
    *,
    uploads: Iterable[source_files.Upload] = (),
    run: ImportRun | None = None,
) -> Outcome:
    """Import files, or folders of files, into a dataset.

    The default is the dataset's folder in ``SOURCES_DIR``. *uploads* are uploaded files to import instead of the files
    in *paths*. *run* is a waiting run to execute; without it, a new run is created. *progress* is called with the
    SourceFiles and returns a function, which is called with the bytes and rows read since its last call. Raises
    ImportRefusedError if nothing was imported. If there is a run, it stores the error message.
    """
    sources = sources_of(dataset)
    chosen = [Path(path) for path in paths] or [Path(settings.SOURCES_DIR, dataset)]
    try:
        if uploads := list(uploads):
            files = source_files.find_uploads(uploads, sources, options.encoding)
            skipped = [note for file in files for note in file.notes]
        else:
            files, skipped = source_files.find(chosen, sources, options.encoding, options.patterns)
    except (source_files.FilesError, ReadError) as error:
        raise ImportRefusedError(escaped(str(error), "\n")) from None
    if options.known_as and len(files) != 1:
        raise ImportRefusedError(
            f"{len(files)} files were given, but “new version of” {options.known_as} applies to a single file. "
            "Import the files one by one."
        )

    with import_lock(dataset):
        interrupted = finish_interrupted(dataset)
        run = _start(run, dataset, options)
        run.notes = [
            f"Run {old.pk} of {old.started_at:%Y-%m-%d %H:%M} was interrupted: {old.error}" for old in interrupted
        ]
        run.notes += skipped
        outcome = Outcome(run)
        try:
            with _reporting_errors(run), Heartbeat(run) as heartbeat:
                loads = open_sources(run, sources, files, options.known_as)
                _load(outcome, loads, options, progress, heartbeat)
        finally:
            if connection.connection is not None and connection.is_usable():
                drop_stages(sources)
    return outcome


def _start(run: ImportRun | None, dataset: str, options: Options) -> ImportRun:
    """Return the run with the status running, after clearing the report of its preview."""
    now = timezone.now()
    if run is None:
        return ImportRun.objects.create(
            dataset=dataset,
            dry_run=options.dry_run,
            strict=options.strict,
            delete_missing=options.delete_missing,
            delete_most=options.delete_most,
            allow_missing_columns=options.allow_missing_columns,
            pairing=options.pairing,
            started_by=options.started_by,
            reason=options.reason,
            encoding=options.encoding,
            known_as=options.known_as or "",
            begun_at=now,
            heartbeat=now,
        )
    waiting = ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.WAITING)
    if not waiting.update(status=ImportRun.Status.RUNNING, cancel_requested=False):
        raise ImportCancelledError("The run was cancelled before it started.")
    run.files.all().delete()
    run.status, run.error, run.copy_of, run.notes, run.new_terms = ImportRun.Status.RUNNING, "", {}, [], {}
    run.begun_at = run.heartbeat = now
    run.finished_at, run.dry_run, run.merging, run.bytes_read, run.rows_read = None, options.dry_run, False, 0, 0
    run.merge_steps = run.merge_steps_done = 0
    run.save(update_fields=[*ImportRun.REPORT, *ImportRun.PROGRESS, "begun_at"])
    return run


@contextmanager
def _reporting_errors(run: ImportRun) -> Iterator[None]:
    """If a run fails, save the reason and raise it as ImportRefusedError."""
    try:
        yield
    except (ReadError, ImportRefusedError) as error:
        sentence = str(error)
        for file in run.files.all():  # replace the name of the stored copy with the original name
            sentence = sentence.replace(str(stored_file(file)), file.original_name)
        if isinstance(error, CopyRefusedError):
            run.copy_of = error.copy_of
        cancelled = isinstance(error, ImportCancelledError)
        run.finish(ImportRun.Status.CANCELLED if cancelled else ImportRun.Status.FAILED, sentence)
        raise ImportRefusedError(sentence, run) from None
    except DatabaseError as error:
        sentence = f"Database error: {str(error).strip().splitlines()[0]}. Nothing was imported."
        with suppress(DatabaseError):
            run.finish(ImportRun.Status.FAILED, sentence)
        raise ImportRefusedError(sentence, run) from error
    except OSError as error:
        run.finish(ImportRun.Status.FAILED, unwritable(error))
        raise ImportRefusedError(run.error, run) from error
    except KeyboardInterrupt:
        connection.close()  # a statement may still be running
        run.finish(ImportRun.Status.INTERRUPTED, "The import was interrupted by the user. Nothing was imported.")
        raise ImportRefusedError(run.error, run) from None
    except BaseException as error:
        run.finish(ImportRun.Status.FAILED, f"Internal error: {type(error).__name__}: {error}")
        raise


def _load(
    outcome: Outcome, loads: list[SourceLoad], options: Options, progress: StartProgress, heartbeat: Heartbeat
) -> None:
    """Stage the files, then merge them in one transaction, which also saves the report of an applied run.

    The report of any other run is saved after the transaction has been rolled back.
    """
    run = outcome.run
    files = [file for load in loads for file in load.read_files]
    ImportRun.objects.filter(pk=run.pk).update(bytes_total=sum(file.size for file in files))
    show = progress(files)

    def report(read: int, rows: int) -> None:
        show(read, rows)
        heartbeat.add(read, rows)

    run.tables_seen = str(version_of(run.dataset))
    unchecked = references.may_defer_checks()
    merges: list[Merge] = []
    try:
        loads, notes = _with_layouts(loads, options)
        merges += map(Merge, empty_staged(loads))
        _stage(merges, report)
        heartbeat.merging(len(merges) * (STEPS + 1) + 1)
        with references.write_transaction(unchecked=unchecked) as preview:
            _merge(outcome, merges, notes, options, report, heartbeat.step)
            if unchecked:
                for merge in merges:
                    references.check_references(merge.staged)
            heartbeat.check()
            refuse_outdated(run, options)
            run_diff.keep(run, merges, outcome.missing, whole=run.dry_run)
            heartbeat.step()
            if not run.dry_run:
                _keep(preview, run, loads, merges)
    except (AlteredError, ImportCancelledError):
        raise  # the rows belong to another file, or the user does not want to import them
    except Exception as error:
        heartbeat.check()  # a cancelled run raises ImportCancelledError instead
        stopped = None
        if isinstance(error, MostlyRejectedError):
            stopped = error.file
            stopped.read, stopped.rejected = error.read, error.rejected
        with suppress(DatabaseError):  # the original error is more important than this one
            _record(loads, merges, stopped)
        raise
    if run.dry_run:
        _record(loads, merges)
        run.finish(ImportRun.Status.PREVIEWED)


def _keep(preview: Preview, run: ImportRun, loads: list[SourceLoad], merges: list[Merge]) -> None:
    """Commit the changes of the transaction together with the report."""
    preview.keep()
    _record(loads, merges)
    if run.new_terms or any(file.created for load in loads for file in load.files) or run.changes.exists():
        raise_version(run.dataset, by=run)
    run.newest_change = Change.objects.aggregate(newest=Max("pk"))["newest"] or 0
    run.finish(ImportRun.Status.APPLIED)


def _with_layouts(loads: list[SourceLoad], options: Options) -> tuple[list[SourceLoad], list[list[str]]]:
    """Return the loads with the layout of every file, and the notes about each load."""
    complete, notes = [], []
    for load in loads:
        load, notes_of_load = find_layouts(load, allow_missing=options.allow_missing_columns)
        if not options.known_as:
            renamed_files.refuse_known_bytes(load)
        complete.append(replace(load, direct=may_fill_directly(load)))
        notes.append(notes_of_load)
    return complete, notes


def _stage(merges: list[Merge], report: Progress) -> None:
    drop_stages(merge.load.source for merge in merges)  # an earlier import on this connection may have left some
    for merge in merges:
        if not merge.load.direct:
            merge.load.stage.create()
            fill(merge.staged, report)


def _merge(
    outcome: Outcome,
    merges: list[Merge],
    notes: list[list[str]],
    options: Options,
    report: Progress,
    step: Callable[[int], None],
) -> None:
    run = outcome.run
    for merge, notes_of_load in zip(merges, notes, strict=True):
        load, staged, merged = merge.load, merge.staged, merge.merge(report, step)
        outcomes.count(merge)
        for file in load.files:
            mostly_rejected.refuse(file, file.read, file.rejected)
        for table, values in merged.new_terms.items():
            run.new_terms[table] = run.new_terms.get(table, []) + values
        if not options.known_as:
            renamed_files.refuse_known_rows(load)
        run.notes += notes_of_load + staged.notes + merged.notes + staged.markers.notes()
        resolutions.store(staged, merge.late_rows)
        outcome.pairs.append(merge.paired.pairs)
    for merge in reversed(merges):  # child tables first, because their rows protect their parents from deletion
        if merge.source.key:
            find_missing(merge.staged, merge.late_rows)
        if count_missing(merge.load, outcome.missing) and options.delete_missing:
            run.notes += delete_missing(merge.load, options)
        step(1)
    run.notes += outcome.missing.notes
    withdraw_others(run, [choice for merge in merges for choice in merge.paired.choices])
    refuse_doubtful_pairs(run, [file for merge in merges for file in merge.load.files])
    rejected = sum(file.rejected for merge in merges for file in merge.load.files)
    if options.strict and rejected:
        raise ImportRefusedError(
            f"{rejected} {'row was' if rejected == 1 else 'rows were'} rejected, and a strict import stops if any row "
            "is rejected. Nothing was imported. Fix the rows, or import without “strict”."
        )


def _record(loads: list[SourceLoad], merges: list[Merge], stopped: SourceFile | None = None) -> None:
    """Save the counts and the rejected rows.

    For the source of the *stopped* file, save only the first rejected rows.
    """
    for load in loads:
        for file in load.files:
            file.save()
    for merge in merges:
        outcomes.store_rejected(merge, only_first=stopped in merge.load.files)
