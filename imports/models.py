"""Models of imports and edits: runs, files, rejected rows, and changes of records."""

from collections.abc import Sequence

from django.conf import settings
from django.db import models
from django.utils import timezone

from datasets.fields import JSONField
from datasets.text import shown
from imports.created_in import CreatedIn
from imports.problems import Problem as Problem
from imports.received_files import ReceivedFile
from imports.resolved_rows import LONGEST_REASON as LONGEST_REASON
from imports.resolved_rows import ResolvedRow as ResolvedRow  # a table of this app
from imports.resolved_rows import RowState


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def applied(self, dataset: str) -> "ImportRunQuerySet":
        """Return the applied runs of *dataset*, newest first."""
        return self.filter(dataset=dataset, status=ImportRun.Status.APPLIED).order_by("-pk")


class ImportRun(models.Model):
    """An import of a dataset's files, from its start to its report.

    A run is saved outside the transaction that writes its data, so that a failed run is also recorded.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"  # not started by a worker yet
        RUNNING = "running"
        APPLIED = "applied"  # its changes are in the tables
        PREVIEWED = "previewed"  # completed and rolled back
        FAILED = "failed"  # stopped by an error (see ``error``); nothing was changed
        INTERRUPTED = "interrupted"  # its process died; nothing was changed
        CANCELLED = "cancelled"  # stopped by a user; nothing was changed
        DISCARDED = "discarded"  # previewed, then discarded by a user
        UNDONE = "undone"  # applied, then undone

    class Pairing(models.TextChoices):
        AUTO = "auto"  # pair edited rows with their records, but stop if less than half of a file still matches
        ON = "on"  # pair them in any case
        OFF = "off"  # do not pair them: edited rows are new records, and their records are missing

    # The fields that the run's process saves at its end. Other processes may save progress and cancellation before.
    RESULT = ("status", "error", "copy_of", "finished_at", "notes", "new_terms", "tables_seen", "pair_choices")
    PROGRESS = ("heartbeat", "merging", "bytes_read", "rows_read", "merge_steps", "merge_steps_done")
    REPORT = (*RESULT, "newest_change", "dry_run", "delete_most", "pairing")
    dataset = models.CharField(max_length=50, help_text="App label of the dataset.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RUNNING)
    dry_run = models.BooleanField(default=False, help_text="Preview: validate and report without saving.")
    strict = models.BooleanField(default=False, help_text="Stop if any row is rejected.")
    delete_missing = models.BooleanField(default=False, help_text="Delete records that are no longer in the file.")
    delete_most = models.BooleanField(default=False, help_text="Allow deleting more than half of a table.")
    allow_missing_columns = models.BooleanField(
        default=False, help_text="Accept files that lack most columns or required columns."
    )
    pairing = models.CharField(
        max_length=4, choices=Pairing, default=Pairing.AUTO, help_text="Pair edited rows with their records."
    )
    pair_choices = models.JSONField(default=list, blank=True, help_text="Choices about the pairs of the preview.")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    error = models.TextField(blank=True, help_text="Why the run was not applied. Empty if it was applied.")
    notes = models.JSONField(default=list, blank=True, help_text="Warnings and remarks about the run, one per item.")
    new_terms = models.JSONField(
        default=dict, blank=True, help_text="Terms that the run added to vocabularies, by table."
    )
    encoding = models.CharField(max_length=50, default="utf-8")
    reason = models.CharField(max_length=LONGEST_REASON, blank=True, help_text="Why the files are imported.")
    known_as = models.CharField(
        max_length=255,
        blank=True,
        help_text="Name of the file that this file is a new version of. Empty if the file keeps its own name.",
    )
    # If the run was refused because a file is a copy: its name and SHA-256, and the name of the file that it copies.
    copy_of = models.JSONField(default=dict, blank=True, editable=False)
    uploads = models.JSONField(
        default=list, blank=True, help_text="Uploaded files: name, SHA-256 and size in bytes. Empty without uploads."
    )
    tables_seen = models.CharField(max_length=100, blank=True, help_text="Version of the dataset when the run started.")
    newest_change = models.PositiveBigIntegerField(default=0, editable=False)  # the key of the last Change at its end
    version = models.BigIntegerField(null=True, editable=False)  # of the dataset with its changes, for the copy
    task_id = models.UUIDField(null=True, blank=True, editable=False)
    # The request's Idempotency-Key, unique for each account.
    request_key = models.CharField(max_length=255, blank=True, editable=False)
    request_digest = models.CharField(max_length=64, blank=True, editable=False)
    # The progress, which the import's process updates about once a second.
    heartbeat = models.DateTimeField(null=True, blank=True, editable=False)
    begun_at = models.DateTimeField(null=True, blank=True, editable=False)
    merging = models.BooleanField(default=False, editable=False)
    bytes_total = models.PositiveBigIntegerField(default=0, editable=False)
    bytes_read = models.PositiveBigIntegerField(default=0, editable=False)
    rows_read = models.PositiveBigIntegerField(default=0, editable=False)
    merge_steps = models.PositiveIntegerField(default=0, editable=False)
    merge_steps_done = models.PositiveIntegerField(default=0, editable=False)
    cancel_requested = models.BooleanField(default=False, editable=False)

    objects = ImportRunQuerySet.as_manager()
    received: Sequence[ReceivedFile] = ()  # the files of a new run, still in temporary storage

    class Meta:
        db_table = "import_runs"
        ordering = ["-pk"]
        permissions = [("undo_importrun", "Can undo import run")]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset"],
                condition=models.Q(status="running"),
                name="import_runs_one_running_per_dataset",
                violation_error_message="Another import of this dataset is running.",
            ),
            models.UniqueConstraint(
                fields=["started_by", "request_key"],
                condition=~models.Q(request_key=""),
                name="import_runs_one_per_request",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.dataset} ({self.get_status_display()})"

    def finish(self, status: "ImportRun.Status", error: str = "") -> None:
        """Save the final *status* and the report."""
        self.status, self.error, self.finished_at = status, error, timezone.now()
        self.save(update_fields=self.REPORT)


class SourceFile(models.Model):
    """A file as read by one run for one source, with the number of rows for each outcome.

    ``COUNTS`` are the names of these numbers; ``read`` is the sum of the ``OUTCOMES``. The file's bytes are stored in
    ``MEDIA_ROOT/imports/`` under their SHA-256. For a file in a zip archive, these are the bytes of the archive.
    """

    OUTCOMES = ("created", "updated", "unchanged", "duplicates", "rejected", "fixed_before", "ignored")
    COUNTS = ("read", *OUTCOMES, "missing", "deleted", "kept", "paired")
    id = models.AutoField(primary_key=True)  # 4 bytes, because every record refers to 2 files
    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="files")
    source = models.CharField(max_length=50, help_text="Table that the file fills.")
    name = models.CharField(
        max_length=255,
        help_text="Name of the file, the same in every import. A new version of a file has the same name.",
    )
    original_name = models.CharField(max_length=255, help_text="Name of the file when it was uploaded or read.")
    sha256 = models.CharField("SHA-256", max_length=64)
    part = models.CharField(max_length=255, blank=True, help_text="Path of the file in its zip archive.")
    size = models.PositiveBigIntegerField(help_text="Size of the file, or of its part in an archive, in bytes.")
    encoding = models.CharField(max_length=50, default="utf-8")
    is_partial = models.BooleanField(
        default=False, help_text="Contains only some rows of the file with this name: fixed rows, or rows of an export."
    )
    unknown_columns = models.JSONField(
        default=list, blank=True, help_text="Headings of columns that the import ignored."
    )
    read = models.PositiveIntegerField(default=0, help_text="Rows read.")
    created = models.PositiveIntegerField(default=0, help_text="Records created.")
    updated = models.PositiveIntegerField(default=0, help_text="Records updated.")
    unchanged = models.PositiveIntegerField(default=0, help_text="Rows whose record did not change.")
    duplicates = models.PositiveIntegerField(default=0, help_text="Rows that repeat an earlier row's key and values.")
    rejected = models.PositiveIntegerField(default=0, help_text="Rows that could not be used.")
    fixed_before = models.PositiveIntegerField(
        default=0, help_text="Rows that could not be used, and that an earlier import of fixed rows replaced."
    )
    ignored = models.PositiveIntegerField(
        default=0, help_text="Rows that could not be used, and that a curator chose to ignore."
    )
    missing = models.PositiveIntegerField(
        default=0, help_text="Records of earlier versions of the file that are no longer in it."
    )
    missing_corrected = models.PositiveIntegerField(default=0, editable=False)  # missing records with corrections
    deleted = models.PositiveIntegerField(default=0, help_text="Missing records that the run deleted.")
    kept = models.PositiveIntegerField(
        default=0, help_text="Records whose correction or deletion by a curator was kept although the file differs."
    )
    paired = models.PositiveIntegerField(default=0, help_text="Updated records with which a row was paired.")
    # The number of updated and kept records that differ from their file only in personal data.
    updated_unseen = models.PositiveIntegerField(default=0, editable=False)
    kept_unseen = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        db_table = "source_files"
        ordering = ["pk"]
        indexes = [models.Index(fields=["source", "name"], name="source_files_source_name")]

    def __str__(self) -> str:
        return f"{self.name} in run {self.run_id}"


class RejectedRow(models.Model):
    """A row that cannot be used: its line number, its original values, and all of its problems.

    The identity of the row is the same in every import (see imports.row_identities). ``state`` is the row's state
    during the run. :class:`imports.resolved_rows.ResolvedRow` determines its current state.
    """

    file = models.ForeignKey(SourceFile, models.CASCADE, related_name="rejected_rows")
    line = models.PositiveIntegerField(help_text="Line number in the file, counted from 1.")
    values = models.JSONField(help_text="Cells by column, or the raw line if it could not be split into cells.")
    problems = models.JSONField(help_text="Problems of the row: column, value and message of each.")
    identity = models.BinaryField(max_length=16, editable=False)
    state = models.CharField(max_length=10, choices=RowState.choices, default=RowState.OPEN, editable=False)

    class Meta:
        db_table = "rejected_rows"
        ordering = ["file", "line", "pk"]
        indexes = [models.Index(fields=["identity"], name="rejected_rows_identity")]

    def __str__(self) -> str:
        return f"line {self.line} of {self.file}"

    @property
    def problem_text(self) -> str:
        """All problems of the row as one string: ``age "old" is not a whole number; …``."""
        return "; ".join(self._described(problem) for problem in self.problems)

    @staticmethod
    def _described(problem: Problem) -> str:
        value = [] if problem["value"] is None else [shown(str(problem["value"]), 200)]
        return " ".join([problem["column"], *value, problem["message"]] if problem["column"] else [problem["message"]])


class Edit(models.Model):
    """An edit by a curator: a correction, a deletion, a bulk edit or an undo, with all records that it changed."""

    class Action(models.TextChoices):
        CREATED = "created"
        CORRECTED = "corrected"
        REVERTED = "reverted"  # a correction was removed and the file's value restored
        DELETED = "deleted"
        RESTORED = "restored"
        UNDONE = "undone"  # a run or another edit was undone
        REDONE = "redone"  # an undone run or edit was applied again

    dataset = models.CharField(max_length=50, help_text="App label of the dataset.")
    action = models.CharField(max_length=20, choices=Action.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=LONGEST_REASON, blank=True, help_text="Why the user made the edit.")
    undone_run = models.ForeignKey(ImportRun, models.PROTECT, null=True, blank=True, related_name="undoings")
    undone_edit = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="undoings")
    is_undone = models.BooleanField(default=False, help_text="The edit was undone and has not been redone.")
    version = models.BigIntegerField(null=True, editable=False)  # of the dataset with its changes, for the copy

    class Meta:
        db_table = "edits"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_action_display()} by {self.user or 'the command line'}"


class Change(models.Model):
    """A change of one record by a run or an edit, with the whole row before and after it.

    If a run created a record, there is no Change for its creation. The record itself stores its file and line number.
    """

    class Kind(models.TextChoices):
        CREATED = "created"
        UPDATED = "updated"
        KEPT = "kept"  # the file has a new value for a corrected field; the correction is kept
        DELETED = "deleted"

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, models.PROTECT, null=True, blank=True, related_name="changes")
    edit = models.ForeignKey(Edit, models.PROTECT, null=True, blank=True, related_name="changes")
    table = models.CharField(max_length=63, help_text="Table of the record.")
    record = models.CharField(max_length=100, help_text="Primary key of the record.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    before = JSONField(null=True, help_text="Row before the change; null for a new record.")
    after = JSONField(null=True, help_text="Row after the change; null for a deleted record.")
    is_tombstone = models.BooleanField(
        default=False, help_text="Deleted by a curator and not restored; imports skip the record."
    )
    likeness = models.FloatField(null=True, editable=False)  # from 0 to 1, if the run paired a row with the record
    # The tombstone that a restoration removed. Few changes have one, so an index or a constraint would cost too much.
    reversed_tombstone = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False, editable=False
    )

    class Meta:
        db_table = "changes"
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["table", "record"], name="changes_table_record"),
            models.Index(fields=["table"], name="changes_tombstones", condition=models.Q(is_tombstone=True)),
            models.Index("table", CreatedIn("before"), name="changes_deleted", condition=models.Q(kind="deleted")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(run__isnull=False) ^ models.Q(edit__isnull=False), name="changes_by_run_or_edit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.record} {self.kind}"
