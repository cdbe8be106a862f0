"""Edits and changes: what became of records, by runs and by hand."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="importrun",
            name="status",
            field=models.CharField(
                choices=[
                    ("running", "Running"),
                    ("landed", "Landed"),
                    ("rehearsed", "Rehearsed"),
                    ("failed", "Failed"),
                    ("interrupted", "Interrupted"),
                    ("undone", "Undone"),
                ],
                default="running",
                max_length=20,
            ),
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
                            ("released", "Released"),
                            ("deleted", "Deleted"),
                            ("restored", "Restored"),
                            ("undid", "Undid"),
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
                        to="datasets.edit",
                    ),
                ),
                (
                    "undone_run",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undoing",
                        to="datasets.importrun",
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
                        to="datasets.importrun",
                    ),
                ),
                (
                    "edit",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="datasets.edit",
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
    ]
