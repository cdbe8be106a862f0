"""Runs, their files and rejected rows, edits, and the changes of records."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from datasets.sql.text_order import OrderTextsByCodePoint
from datasets.sql.vacuum import VacuumOften
from imports.created_in import CreatedIn


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("dataset", models.CharField(help_text="App label of the dataset.", max_length=50)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("applied", "Applied"),
                            ("previewed", "Previewed"),
                            ("failed", "Failed"),
                            ("interrupted", "Interrupted"),
                            ("cancelled", "Cancelled"),
                            ("discarded", "Discarded"),
                            ("undone", "Undone"),
                        ],
                        default="running",
                        max_length=20,
                    ),
                ),
                (
                    "dry_run",
                    models.BooleanField(default=False, help_text="Preview: validate and report without saving."),
                ),
                ("strict", models.BooleanField(default=False, help_text="Stop if any row is rejected.")),
                (
                    "delete_missing",
                    models.BooleanField(default=False, help_text="Delete records that are no longer in the file."),
                ),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "error",
                    models.TextField(blank=True, help_text="Why the run was not applied. Empty if it was applied."),
                ),
                (
                    "notes",
                    models.JSONField(
                        blank=True, default=list, help_text="Warnings and remarks about the run, one per item."
                    ),
                ),
                (
                    "new_terms",
                    models.JSONField(
                        blank=True, default=dict, help_text="Terms that the run added to vocabularies, by table."
                    ),
                ),
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("bytes_read", models.PositiveBigIntegerField(default=0, editable=False)),
                ("bytes_total", models.PositiveBigIntegerField(default=0, editable=False)),
                ("cancel_requested", models.BooleanField(default=False, editable=False)),
                ("encoding", models.CharField(default="utf-8", max_length=50)),
                ("heartbeat", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "reason",
                    models.CharField(blank=True, help_text="Why the files are imported.", max_length=500),
                ),
                (
                    "known_as",
                    models.CharField(
                        blank=True,
                        help_text="Name of the file that this file is a new version of. Empty if the file keeps its own name.",
                        max_length=255,
                    ),
                ),
                ("copy_of", models.JSONField(blank=True, default=dict, editable=False)),
                ("merging", models.BooleanField(default=False, editable=False)),
                ("rows_read", models.PositiveBigIntegerField(default=0, editable=False)),
                ("merge_steps", models.PositiveIntegerField(default=0, editable=False)),
                ("merge_steps_done", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "tables_seen",
                    models.CharField(
                        blank=True, help_text="Version of the dataset when the run started.", max_length=100
                    ),
                ),
                ("newest_change", models.PositiveBigIntegerField(default=0, editable=False)),
                ("version", models.BigIntegerField(editable=False, null=True)),
                ("task_id", models.UUIDField(blank=True, editable=False, null=True)),
                (
                    "uploads",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Uploaded files: name, SHA-256 and size in bytes. Empty without uploads.",
                    ),
                ),
                ("request_digest", models.CharField(blank=True, editable=False, max_length=64)),
                ("request_key", models.CharField(blank=True, editable=False, max_length=255)),
                (
                    "delete_most",
                    models.BooleanField(default=False, help_text="Allow deleting more than half of a table."),
                ),
                (
                    "pairing",
                    models.CharField(
                        choices=[("auto", "Auto"), ("on", "On"), ("off", "Off")],
                        default="auto",
                        help_text="Pair edited rows with their records.",
                        max_length=4,
                    ),
                ),
                (
                    "pair_choices",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Choices about the pairs of the preview.",
                    ),
                ),
                (
                    "allow_missing_columns",
                    models.BooleanField(
                        default=False, help_text="Accept files that lack most columns or required columns."
                    ),
                ),
            ],
            options={
                "db_table": "import_runs",
                "ordering": ["-pk"],
                "permissions": [("undo_importrun", "Can undo import run")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")),
                        fields=("dataset",),
                        name="import_runs_one_running_per_dataset",
                        violation_error_message="Another import of this dataset is running.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("request_key", ""), _negated=True),
                        fields=("started_by", "request_key"),
                        name="import_runs_one_per_request",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Edit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("dataset", models.CharField(help_text="App label of the dataset.", max_length=50)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("created", "Created"),
                            ("corrected", "Corrected"),
                            ("reverted", "Reverted"),
                            ("deleted", "Deleted"),
                            ("restored", "Restored"),
                            ("undone", "Undone"),
                            ("redone", "Redone"),
                        ],
                        max_length=20,
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "reason",
                    models.CharField(blank=True, help_text="Why the user made the edit.", max_length=500),
                ),
                (
                    "is_undone",
                    models.BooleanField(default=False, help_text="The edit was undone and has not been redone."),
                ),
                ("version", models.BigIntegerField(editable=False, null=True)),
                (
                    "undone_edit",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undoings",
                        to="imports.edit",
                    ),
                ),
                (
                    "undone_run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undoings",
                        to="imports.importrun",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "edits",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("table", models.CharField(help_text="Table of the record.", max_length=63)),
                ("record", models.CharField(help_text="Primary key of the record.", max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("created", "Created"),
                            ("updated", "Updated"),
                            ("kept", "Kept"),
                            ("deleted", "Deleted"),
                        ],
                        max_length=10,
                    ),
                ),
                ("before", models.JSONField(help_text="Row before the change; null for a new record.", null=True)),
                ("after", models.JSONField(help_text="Row after the change; null for a deleted record.", null=True)),
                (
                    "is_tombstone",
                    models.BooleanField(
                        default=False, help_text="Deleted by a curator and not restored; imports skip the record."
                    ),
                ),
                ("likeness", models.FloatField(editable=False, null=True)),
                (
                    "reversed_tombstone",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="imports.change",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="imports.importrun",
                    ),
                ),
                (
                    "edit",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="imports.edit",
                    ),
                ),
            ],
            options={
                "db_table": "changes",
                "ordering": ["pk"],
                "indexes": [
                    models.Index(fields=["table", "record"], name="changes_table_record"),
                    models.Index(
                        condition=models.Q(("is_tombstone", True)), fields=["table"], name="changes_tombstones"
                    ),
                    models.Index(
                        models.F("table"),
                        CreatedIn("before"),
                        name="changes_deleted",
                        condition=models.Q(("kind", "deleted")),
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("run__isnull", False), ("edit__isnull", False), _connector="XOR"),
                        name="changes_by_run_or_edit",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceFile",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="imports.importrun"
                    ),
                ),
                ("source", models.CharField(help_text="Table that the file fills.", max_length=50)),
                (
                    "name",
                    models.CharField(
                        help_text="Name of the file, the same in every import. A new version of a file has the same name.",
                        max_length=255,
                    ),
                ),
                (
                    "original_name",
                    models.CharField(help_text="Name of the file when it was uploaded or read.", max_length=255),
                ),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                (
                    "part",
                    models.CharField(blank=True, help_text="Path of the file in its zip archive.", max_length=255),
                ),
                (
                    "size",
                    models.PositiveBigIntegerField(
                        help_text="Size of the file, or of its part in an archive, in bytes."
                    ),
                ),
                ("encoding", models.CharField(default="utf-8", max_length=50)),
                (
                    "is_partial",
                    models.BooleanField(
                        default=False,
                        help_text="Contains only some rows of the file with this name: fixed rows, or rows of an export.",
                    ),
                ),
                (
                    "unknown_columns",
                    models.JSONField(
                        blank=True, default=list, help_text="Headings of columns that the import ignored."
                    ),
                ),
                ("read", models.PositiveIntegerField(default=0, help_text="Rows read.")),
                ("created", models.PositiveIntegerField(default=0, help_text="Records created.")),
                ("updated", models.PositiveIntegerField(default=0, help_text="Records updated.")),
                ("unchanged", models.PositiveIntegerField(default=0, help_text="Rows whose record did not change.")),
                (
                    "duplicates",
                    models.PositiveIntegerField(
                        default=0, help_text="Rows that repeat an earlier row's key and values."
                    ),
                ),
                ("rejected", models.PositiveIntegerField(default=0, help_text="Rows that could not be used.")),
                (
                    "fixed_before",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Rows that could not be used, and that an earlier import of fixed rows replaced.",
                    ),
                ),
                (
                    "ignored",
                    models.PositiveIntegerField(
                        default=0, help_text="Rows that could not be used, and that a curator chose to ignore."
                    ),
                ),
                (
                    "missing",
                    models.PositiveIntegerField(
                        default=0, help_text="Records of earlier versions of the file that are no longer in it."
                    ),
                ),
                ("deleted", models.PositiveIntegerField(default=0, help_text="Missing records that the run deleted.")),
                (
                    "paired",
                    models.PositiveIntegerField(default=0, help_text="Updated records with which a row was paired."),
                ),
                (
                    "kept",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Records whose correction or deletion by a curator was kept although the file differs.",
                    ),
                ),
                ("missing_corrected", models.PositiveIntegerField(default=0, editable=False)),
                ("kept_unseen", models.PositiveIntegerField(default=0, editable=False)),
                ("updated_unseen", models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                "db_table": "source_files",
                "ordering": ["pk"],
                "indexes": [models.Index(fields=["source", "name"], name="source_files_source_name")],
            },
        ),
        migrations.CreateModel(
            name="RejectedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rejected_rows",
                        to="imports.sourcefile",
                    ),
                ),
                ("line", models.PositiveIntegerField(help_text="Line number in the file, counted from 1.")),
                (
                    "values",
                    models.JSONField(help_text="Cells by column, or the raw line if it could not be split into cells."),
                ),
                ("problems", models.JSONField(help_text="Problems of the row: column, value and message of each.")),
                ("identity", models.BinaryField(max_length=16)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("fixed", "Fixed"), ("ignored", "Ignored")],
                        default="open",
                        editable=False,
                        max_length=10,
                    ),
                ),
            ],
            options={
                "db_table": "rejected_rows",
                "ordering": ["file", "line", "pk"],
                "indexes": [models.Index(fields=["identity"], name="rejected_rows_identity")],
            },
        ),
        migrations.CreateModel(
            name="ResolvedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(help_text="Table of the row's source.", max_length=50)),
                ("name", models.CharField(help_text="Name of the row's file.", max_length=255)),
                ("identity", models.BinaryField(max_length=16)),
                ("state", models.CharField(choices=[("fixed", "Fixed"), ("ignored", "Ignored")], max_length=10)),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        help_text="Run that fixed the row.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fixed_rows",
                        to="imports.importrun",
                    ),
                ),
                (
                    "record",
                    models.CharField(
                        blank=True, help_text="Primary key of the record made from the row.", max_length=100
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("reason", models.CharField(blank=True, help_text="Why the row is ignored.", max_length=500)),
            ],
            options={
                "db_table": "resolved_rows",
                "ordering": ["pk"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["source", "name"], name="resolved_rows_source_name"),
                    models.Index(fields=["identity"], name="resolved_rows_identity"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "ignored")),
                        fields=("identity",),
                        name="resolved_rows_ignored_once",
                    ),
                    models.UniqueConstraint(fields=("run", "identity"), name="resolved_rows_fixed_once_per_run"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("run__isnull", False), ("state", "fixed")),
                            models.Q(("run__isnull", True), ("state", "ignored")),
                            _connector="OR",
                        ),
                        name="resolved_rows_fixed_by_a_run",
                    ),
                ],
            },
        ),
        OrderTextsByCodePoint(),
        VacuumOften(),
    ]
