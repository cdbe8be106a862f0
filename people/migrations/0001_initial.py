"""Tables of people and places."""

import datetime

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import datasets.models
from datasets.origin_index import OriginIndex
from datasets.sql.casefold import AddFoldedIndex
from datasets.sql.text_order import OrderTextsByCodePoint
from datasets.sql.vacuum import VacuumOften


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("datasets", "0001_initial"),
        ("imports", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Place",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "city",
                    models.CharField(
                        help_text="Unique name of the town or village. Records of people refer to it.",
                        max_length=200,
                        unique=True,
                    ),
                ),
                ("county", models.CharField(max_length=200, help_text="County or region of the place.")),
                ("country", models.CharField(max_length=200, help_text="Country of the place.")),
                (
                    "created_in",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imports.sourcefile",
                    ),
                ),
                ("created_line", models.PositiveIntegerField(editable=False, null=True)),
                (
                    "changed_in",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imports.sourcefile",
                    ),
                ),
                ("changed_line", models.PositiveIntegerField(editable=False, null=True)),
                ("corrections", models.JSONField(editable=False, null=True)),
            ],
            options={
                "db_table": "places",
                "indexes": [
                    OriginIndex(fields=["created_in"], name="places_created_in"),
                    OriginIndex(fields=["changed_in"], name="places_changed_in"),
                    models.Index(
                        condition=models.Q(("corrections__isnull", False)), fields=["id"], name="places_corrected"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("given_name", models.CharField(max_length=200, help_text="Given names as in the file.")),
                ("family_name", models.CharField(max_length=200, help_text="Family name as in the file.")),
                (
                    "date_of_birth",
                    models.DateField(
                        validators=[
                            django.core.validators.MinValueValidator(
                                datetime.date(1000, 1, 1), "Expected a date in the year 1000 or later."
                            ),
                            django.core.validators.MaxValueValidator(
                                django.utils.timezone.localdate,
                                "Expected a date that is not in the future: %(limit_value)s or earlier.",
                            ),
                        ],
                        help_text="A day from the year 1000 to today.",
                    ),
                ),
                (
                    "place_of_birth",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="people_born",
                        to="people.place",
                        help_text="Town or village of birth, one of the places.",
                    ),
                ),
                ("identity", models.BinaryField(default=datasets.models.new_identity, max_length=16)),
                (
                    "created_in",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imports.sourcefile",
                    ),
                ),
                ("created_line", models.PositiveIntegerField(editable=False, null=True)),
                (
                    "changed_in",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imports.sourcefile",
                    ),
                ),
                ("changed_line", models.PositiveIntegerField(editable=False, null=True)),
                ("corrections", models.JSONField(editable=False, null=True)),
            ],
            options={
                "verbose_name_plural": "people",
                "db_table": "people",
                "indexes": [
                    models.Index(fields=["family_name", "given_name"], name="people_names"),
                    models.Index(fields=["date_of_birth"], name="people_date_of_birth"),
                    OriginIndex(fields=["created_in"], name="people_created_in"),
                    OriginIndex(fields=["changed_in"], name="people_changed_in"),
                    models.Index(
                        condition=models.Q(("corrections__isnull", False)), fields=["id"], name="people_corrected"
                    ),
                ],
                "constraints": [models.UniqueConstraint(models.F("identity"), name="people_identity_unique")],
            },
        ),
        AddFoldedIndex("people", "given_name"),
        AddFoldedIndex("people", "family_name"),
        AddFoldedIndex("places", "city"),
        OrderTextsByCodePoint(),
        VacuumOften(),
    ]
