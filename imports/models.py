"""What is stored of every import and of every edit: runs, files, rejected rows, and each change of a record."""

from django.conf import settings
from django.db import models

from datasets.fields import JSONField
from datasets.text import shown


class ImportRunQuerySet(models.QuerySet):
    def applied(self, dataset: str) -> "ImportRunQuerySet":
        """Return the runs that changed what is stored of *dataset*, the newest first."""
        return self.filter(dataset=dataset, status=ImportRun.Status.APPLIED).order_by("-pk")


class ImportRun(models.Model):
    """One import of a dataset's files, from its start to its report.

    It is written outside the transaction that carries the data, so that a run which failed leaves a trace.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"  # for a worker to take it up
        RUNNING = "running"
        APPLIED = "applied"  # the tables hold what the files say
        PREVIEWED = "previewed"  # ran to its end and was rolled back, as asked
        FAILED = "failed"  # stopped by an error that it tells; the tables are as before
        INTERRUPTED = "interrupted"  # its process died; the tables are as before
        CANCELLED = "cancelled"  # stopped by somebody while it went on; the tables are as before
        DISCARDED = "discarded"  # previewed, and then not wanted
        UNDONE = "undone"  # applied, and was taken back

    dataset = models.CharField(max_length=50, help_text="The app that the tables belong to.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RUNNING)
    dry_run = models.BooleanField(default=False, help_text="Previewed: everything but the commit.")
    strict = models.BooleanField(default=False, help_text="A single rejected row stops the run.")
    remove_missing = models.BooleanField(default=False, help_text="Records that their file no longer holds go.")
    remove_most = models.BooleanField(default=False, help_text="Even where these are most of a table.")
    allow_missing_columns = models.BooleanField(default=False, help_text="Files may lack most of the expected columns.")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    error = models.TextField(blank=True, help_text="Why the run was not applied, in a sentence.")
    notes = models.JSONField(default=list, blank=True, help_text="What the run has to say beside its counts.")
    new_lookups = models.JSONField(default=dict, blank=True, help_text="Look-up values that were new, by table.")
    encoding = models.CharField(max_length=50, default="utf-8")
    known_as = models.CharField(max_length=255, blank=True, help_text="The file that the one given continues.")
    uploads = models.JSONField(default=list, blank=True, help_text="Files that came by browser: name, sha256, size.")
    tables_seen = models.CharField(max_length=100, blank=True, help_text="The dataset's version when it ran.")
    task_id = models.UUIDField(null=True, blank=True, editable=False)
    request_key = models.CharField(max_length=255, blank=True, editable=False)  # the account knows its request by it
    request_digest = models.CharField(max_length=64, blank=True, editable=False)
    # How far it has come, told by its process about once a second.
    heartbeat = models.DateTimeField(null=True, blank=True, editable=False)
    begun_at = models.DateTimeField(null=True, blank=True, editable=False)
    merging = models.BooleanField(default=False, editable=False)
    bytes_total = models.PositiveBigIntegerField(default=0, editable=False)
    bytes_read = models.PositiveBigIntegerField(default=0, editable=False)
    rows_read = models.PositiveBigIntegerField(default=0, editable=False)
    cancel_requested = models.BooleanField(default=False, editable=False)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        db_table = "import_runs"
        ordering = ["-pk"]
        permissions = [("undo_importrun", "Can undo import run")]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset"],
                condition=models.Q(status="running"),
                name="import_runs_one_running_per_dataset",
                violation_error_message="An import of this dataset is running.",
            ),
            models.UniqueConstraint(
                fields=["started_by", "request_key"],
                condition=~models.Q(request_key=""),
                name="import_runs_one_per_request",
            ),
        ]

    def __str__(self):
        return f"run {self.pk} of {self.dataset} ({self.get_status_display()})"


class SourceFile(models.Model):
    """One file as one run read it for one source, with what became of its rows, in ``COUNTS``.

    ``read`` is the sum of the ``OUTCOMES``. The bytes are kept under ``MEDIA_ROOT/imports/`` by their sha256.
    """

    OUTCOMES = ("created", "updated", "unchanged", "duplicates", "rejected")
    COUNTS = ("read", *OUTCOMES, "missing", "deleted", "kept")
    id = models.AutoField(primary_key=True)  # four bytes, of which every record has two
    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="files")
    source = models.CharField(max_length=50, help_text="The table that it fills.")
    name = models.CharField(max_length=255, help_text="What the file is known by from one import to the next.")
    original_name = models.CharField(max_length=255, help_text="What it was called when it came.")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    encoding = models.CharField(max_length=50, default="utf-8")
    unknown_columns = models.JSONField(default=list, blank=True, help_text="Columns that were passed over.")
    read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0, help_text="Records of the file that it no longer holds.")
    deleted = models.PositiveIntegerField(default=0, help_text="Missing records that the run deleted.")
    kept = models.PositiveIntegerField(
        default=0, help_text="Records where a curator's decision stood against the file."
    )
    # Of the updated and of the kept, those that differ from their file in personal data alone.
    updated_unseen = models.PositiveIntegerField(default=0, editable=False)
    kept_unseen = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        db_table = "source_files"
        ordering = ["pk"]
        indexes = [models.Index(fields=["source", "name"], name="source_files_source_name")]

    def __str__(self):
        return f"{self.name} in run {self.run_id}"


class RejectedRow(models.Model):
    """A row that could not be used: its line, its values as they were, and every problem beside its column."""

    file = models.ForeignKey(SourceFile, models.CASCADE, related_name="rejected_rows")
    line = models.PositiveIntegerField(help_text="As an editor shows it, counted from 1.")
    values = models.JSONField(help_text="Cells by column; text where the row is not expressible as cells.")
    problems = models.JSONField(help_text="A list of column, value and message.")

    class Meta:
        db_table = "rejected_rows"
        ordering = ["file", "line", "pk"]

    def __str__(self):
        return f"line {self.line} of {self.file}"

    @property
    def told(self) -> str:
        """Everything that is wrong with the row: ``age "old" is not a whole number; …``."""
        return "; ".join(self._told(problem) for problem in self.problems)

    @staticmethod
    def _told(problem: dict) -> str:
        found = [] if problem["value"] is None else [shown(str(problem["value"]), 200)]
        return " ".join([problem["column"], *found, problem["message"]] if problem["column"] else [problem["message"]])


class Edit(models.Model):
    """What somebody did to records in one go, by hand: a correction, a deletion, a change of many, an undo."""

    class Action(models.TextChoices):
        CREATED = "created"
        CORRECTED = "corrected"
        REVERTED = "reverted"  # a corrected field was given back to its file
        DELETED = "deleted"
        RESTORED = "restored"
        UNDONE = "undone"  # a run was taken back

    action = models.CharField(max_length=20, choices=Action.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    undone_run = models.OneToOneField(ImportRun, models.PROTECT, null=True, blank=True, related_name="undoing")
    undone_edit = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="undoing")

    class Meta:
        db_table = "edits"
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.get_action_display()} by {self.user or 'the command line'}"


class Change(models.Model):
    """One change of one record, by a run or an edit, with the whole row before and after it.

    A record that a run created has no Change for that: it says itself which file and line it came from.
    """

    class Kind(models.TextChoices):
        CREATED = "created"
        UPDATED = "updated"
        KEPT = "kept"  # the file brought another value for a corrected field, which the record remembers
        DELETED = "deleted"

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, models.PROTECT, null=True, blank=True, related_name="changes")
    edit = models.ForeignKey(Edit, models.PROTECT, null=True, blank=True, related_name="changes")
    table = models.CharField(max_length=63)
    record = models.CharField(max_length=100, help_text="The record's primary key.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    before = JSONField(null=True, help_text="The row before; nothing where there was none.")
    after = JSONField(null=True, help_text="The row after; nothing where there is none.")
    standing = models.BooleanField(
        default=False, help_text="A deletion by hand that nobody has taken back: imports pass the record over."
    )

    class Meta:
        db_table = "changes"
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["table", "record"], name="changes_table_record"),
            models.Index(fields=["table"], name="changes_standing", condition=models.Q(standing=True)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(run__isnull=False) ^ models.Q(edit__isnull=False), name="changes_by_run_or_edit"
            ),
        ]

    def __str__(self):
        return f"{self.table} {self.record} {self.kind}"
