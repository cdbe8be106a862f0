"""Versions of datasets, API tokens, and the function for case folding."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import datasets.tokens
from datasets.sql.casefold import AddFoldCase
from datasets.sql.text_order import OrderTextsByCodePoint
from datasets.sql.vacuum import VacuumOften


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddFoldCase(),
        migrations.CreateModel(
            name="Version",
            fields=[
                ("name", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(help_text="Microseconds since 1970, or the previous number plus 1.")),
                (
                    "untracked",
                    models.BigIntegerField(
                        default=0,
                        help_text="The last version with a change that is neither in a run nor in an edit, or 0.",
                    ),
                ),
                (
                    "shows",
                    models.BigIntegerField(
                        help_text="For a materialized view or an analytical copy: the dataset's version at its last "
                        "refresh.",
                        null=True,
                    ),
                ),
                (
                    "problem",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="For a materialized view or an analytical copy: why its last refresh failed, or "
                        "empty.",
                    ),
                ),
            ],
            options={
                "db_table": "versions",
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Purpose of the token, such as the program that uses it.", max_length=100
                    ),
                ),
                (
                    "digest",
                    models.CharField(editable=False, help_text="SHA-256 of the secret.", max_length=64, unique=True),
                ),
                (
                    "may_read",
                    models.BooleanField(
                        default=True, help_text="Scope read: read lists, records and imports.", verbose_name="read"
                    ),
                ),
                (
                    "may_import",
                    models.BooleanField(
                        default=False,
                        help_text="Scope import: start, apply, cancel and undo imports.",
                        verbose_name="import",
                    ),
                ),
                ("created", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "expires",
                    models.DateTimeField(default=datasets.tokens.in_days, help_text="At most 365 days from now."),
                ),
                (
                    "last_used",
                    models.DateTimeField(
                        blank=True, editable=False, help_text="Time of the last use, accurate to one minute.", null=True
                    ),
                ),
                ("revoked", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "db_table": "api_tokens",
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("may_read", True), ("may_import", True), _connector="OR"),
                        name="api_tokens_have_a_scope",
                        violation_error_message="Select a scope: read, import, or both.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires__gt", models.F("created"))),
                        name="api_tokens_expire_after_they_are_made",
                        violation_error_message="The expiry time must be in the future.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestRate",
            fields=[
                ("client", models.CharField(max_length=200, primary_key=True, serialize=False)),
                (
                    "arrival",
                    models.FloatField(help_text="Theoretical arrival time of the next request, in seconds since 1970."),
                ),
            ],
            options={
                "db_table": "request_rates",
                "default_permissions": (),
            },
        ),
        OrderTextsByCodePoint(),
        VacuumOften(),
    ]
