"""Runs, their files and rejected rows; edits, and the changes of records."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from datasets.sql.text_order import OrderTextsByCodePoint


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
                ("dataset", models.CharField(help_text="The app that the tables belong to.", max_length=50)),
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
                ("dry_run", models.BooleanField(default=False, help_text="Previewed: everything but the commit.")),
                ("strict", models.BooleanField(default=False, help_text="A single rejected row stops the run.")),
                (
                    "remove_missing",
                    models.BooleanField(default=False, help_text="Records that their file no longer holds go."),
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
                ("error", models.TextField(blank=True, help_text="Why the run was not applied, in a sentence.")),
                (
                    "notes",
                    models.JSONField(blank=True, default=list, help_text="What the run has to say beside its counts."),
                ),
                (
                    "new_lookups",
                    models.JSONField(blank=True, default=dict, help_text="Look-up values that were new, by table."),
                ),
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("bytes_read", models.PositiveBigIntegerField(default=0, editable=False)),
                ("bytes_total", models.PositiveBigIntegerField(default=0, editable=False)),
                ("cancel_requested", models.BooleanField(default=False, editable=False)),
                ("encoding", models.CharField(default="utf-8", max_length=50)),
                ("heartbeat", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "known_as",
                    models.CharField(blank=True, help_text="The file that the one given continues.", max_length=255),
                ),
                ("merging", models.BooleanField(default=False, editable=False)),
                ("rows_read", models.PositiveBigIntegerField(default=0, editable=False)),
                (
                    "tables_seen",
                    models.CharField(blank=True, help_text="The dataset's version when it ran.", max_length=100),
                ),
                ("task_id", models.UUIDField(blank=True, editable=False, null=True)),
                (
                    "uploads",
                    models.JSONField(
                        blank=True, default=list, help_text="Files that came by browser: name, sha256, size."
                    ),
                ),
                ("request_digest", models.CharField(blank=True, editable=False, max_length=64)),
                ("request_key", models.CharField(blank=True, editable=False, max_length=255)),
                ("remove_most", models.BooleanField(default=False, help_text="Even where these are most of a table.")),
                (
                    "allow_missing_columns",
                    models.BooleanField(default=False, help_text="Files may lack most of the expected columns."),
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
                        violation_error_message="An import of this dataset is running.",
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
                        ],
                        max_length=20,
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "undone_edit",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undoing",
                        to="imports.edit",
                    ),
                ),
                (
                    "undone_run",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undoing",
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
                ("table", models.CharField(max_length=63)),
                ("record", models.CharField(help_text="The record's primary key.", max_length=100)),
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
                ("before", models.JSONField(help_text="The row before; nothing where there was none.", null=True)),
                ("after", models.JSONField(help_text="The row after; nothing where there is none.", null=True)),
                (
                    "standing",
                    models.BooleanField(
                        default=False,
                        help_text="A deletion by hand that nobody has taken back: imports pass the record over.",
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
                    models.Index(condition=models.Q(("standing", True)), fields=["table"], name="changes_standing"),
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
                ("source", models.CharField(help_text="The table that it fills.", max_length=50)),
                (
                    "name",
                    models.CharField(
                        help_text="What the file is known by from one import to the next.", max_length=255
                    ),
                ),
                ("original_name", models.CharField(help_text="What it was called when it came.", max_length=255)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                ("encoding", models.CharField(default="utf-8", max_length=50)),
                (
                    "unknown_columns",
                    models.JSONField(blank=True, default=list, help_text="Columns that were passed over."),
                ),
                ("read", models.PositiveIntegerField(default=0)),
                ("created", models.PositiveIntegerField(default=0)),
                ("updated", models.PositiveIntegerField(default=0)),
                ("unchanged", models.PositiveIntegerField(default=0)),
                ("duplicates", models.PositiveIntegerField(default=0)),
                ("rejected", models.PositiveIntegerField(default=0)),
                (
                    "missing",
                    models.PositiveIntegerField(default=0, help_text="Records of the file that it no longer holds."),
                ),
                ("deleted", models.PositiveIntegerField(default=0, help_text="Missing records that the run deleted.")),
                (
                    "kept",
                    models.PositiveIntegerField(
                        default=0, help_text="Records where a curator's decision stood against the file."
                    ),
                ),
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
                ("line", models.PositiveIntegerField(help_text="As an editor shows it, counted from 1.")),
                (
                    "values",
                    models.JSONField(help_text="Cells by column; text where the row is not expressible as cells."),
                ),
                ("problems", models.JSONField(help_text="A list of column, value and message.")),
            ],
            options={
                "db_table": "rejected_rows",
                "ordering": ["file", "line", "pk"],
            },
        ),
        OrderTextsByCodePoint(),
    ]
