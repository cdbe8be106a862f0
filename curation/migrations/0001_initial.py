"""Comments of users on records and runs, and the columns that users have chosen for lists."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from datasets.sql.text_order import OrderTextsByCodePoint
from datasets.sql.vacuum import VacuumOften


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("imports", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("dataset", models.CharField(help_text="App label of the dataset.", max_length=50)),
                (
                    "table",
                    models.CharField(blank=True, help_text="Table of the record. Empty for a run.", max_length=63),
                ),
                (
                    "record",
                    models.CharField(
                        blank=True, help_text="Primary key of the record. Empty for a run.", max_length=100
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("text", models.TextField(max_length=2000)),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
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
                "db_table": "comments",
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["table", "record"], name="comments_table_record")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("record", ""), ("run__isnull", False), ("table", "")),
                            models.Q(
                                ("run__isnull", True),
                                models.Q(("table", ""), _negated=True),
                                models.Q(("record", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="comments_on_record_or_run",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ListColumns",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(max_length=63)),
                (
                    "columns",
                    models.CharField(
                        help_text="Names, separated by commas. Empty for the default columns.", max_length=4000
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "list_columns",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("user", "table"), name="list_columns_user_table"),
                ],
            },
        ),
        OrderTextsByCodePoint(),
        VacuumOften(),
    ]
