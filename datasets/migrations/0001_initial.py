"""Tables of imports and what they rejected."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


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
                            ("running", "Running"),
                            ("landed", "Landed"),
                            ("rehearsed", "Rehearsed"),
                            ("failed", "Failed"),
                            ("interrupted", "Interrupted"),
                        ],
                        default="running",
                        max_length=20,
                    ),
                ),
                ("dry_run", models.BooleanField(default=False, help_text="Rehearsed: everything but the commit.")),
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
                ("error", models.TextField(blank=True, help_text="Why the run did not land, in a sentence.")),
                (
                    "notes",
                    models.JSONField(blank=True, default=list, help_text="What the run has to say beside its counts."),
                ),
                (
                    "new_lookups",
                    models.JSONField(blank=True, default=dict, help_text="Look-up values that were new, by table."),
                ),
            ],
            options={
                "db_table": "import_runs",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="SourceFile",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="datasets.importrun"
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
                ("repeated", models.PositiveIntegerField(default=0)),
                ("rejected", models.PositiveIntegerField(default=0)),
                (
                    "missing",
                    models.PositiveIntegerField(
                        default=0, help_text="Records whose last file was this one, now without them."
                    ),
                ),
                (
                    "removed",
                    models.PositiveIntegerField(
                        default=0, help_text="Missing records that the run deleted, as it was told to."
                    ),
                ),
                (
                    "kept",
                    models.PositiveIntegerField(
                        default=0, help_text="Records where a curator's decision stood against the file."
                    ),
                ),
            ],
            options={
                "db_table": "source_files",
                "ordering": ["pk"],
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
                        to="datasets.sourcefile",
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
        migrations.AddConstraint(
            model_name="importrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "running")),
                fields=("dataset",),
                name="import_runs_one_running_per_dataset",
                violation_error_message="An import of this dataset is running.",
            ),
        ),
        migrations.AddIndex(
            model_name="sourcefile",
            index=models.Index(fields=["source", "name"], name="source_files_source_name"),
        ),
    ]
