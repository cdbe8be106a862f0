"""Tables of subjects and sessions."""

import datetime

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import datasets.validators
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
            name="Subject",
            fields=[
                (
                    "subject_id",
                    models.CharField(
                        max_length=100,
                        primary_key=True,
                        serialize=False,
                        verbose_name="subject",
                        help_text="Unique id of the subject.",
                    ),
                ),
                (
                    "date_of_birth",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(
                                datetime.date(1000, 1, 1), "Expected a date in the year 1000 or later."
                            ),
                            django.core.validators.MaxValueValidator(
                                django.utils.timezone.localdate,
                                "Expected a date that is not in the future: %(limit_value)s or earlier.",
                            ),
                        ],
                        help_text="A day from the year 1000 to today. Empty if unknown.",
                    ),
                ),
                (
                    "species",
                    models.CharField(
                        blank=True,
                        help_text="Scientific name, such as Mus musculus. Empty if unknown.",
                        max_length=200,
                        null=True,
                    ),
                ),
                (
                    "sex",
                    models.CharField(
                        blank=True,
                        choices=[("Female", "Female"), ("Male", "Male")],
                        max_length=10,
                        null=True,
                        help_text="Female or Male. Empty if unknown.",
                    ),
                ),
                (
                    "background_strain",
                    models.CharField(
                        blank=True,
                        help_text="Genetic background, such as C57BL/6J. Empty if unknown.",
                        max_length=200,
                        null=True,
                    ),
                ),
                (
                    "genotype",
                    models.CharField(
                        blank=True,
                        help_text="Alleles, separated by semicolons. Empty if unknown.",
                        max_length=2000,
                        null=True,
                    ),
                ),
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
                "db_table": "subjects",
                "indexes": [
                    models.Index(fields=["date_of_birth"], name="subjects_date_of_birth"),
                    OriginIndex(fields=["created_in"], name="subjects_created_in"),
                    OriginIndex(fields=["changed_in"], name="subjects_changed_in"),
                    models.Index(
                        condition=models.Q(("corrections__isnull", False)),
                        fields=["subject_id"],
                        name="subjects_corrected",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sex__in", ["Female", "Male"])), name="subjects_sex_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("subject_id", ""), _negated=True), name="subjects_subject_id_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("species", ""), _negated=True), name="subjects_species_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("background_strain", ""), _negated=True),
                        name="subjects_background_strain_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("genotype", ""), _negated=True), name="subjects_genotype_not_empty"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        help_text="Name of the session's folder, or of its file if the file is not called subject.json.",
                        max_length=255,
                        unique=True,
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sessions",
                        to="subjects.subject",
                        help_text="The subject of the session.",
                    ),
                ),
                (
                    "schema_version",
                    models.CharField(
                        blank=True,
                        help_text="Version of the schema of the subject's metadata. Empty if the file does not state it.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "document",
                    models.JSONField(
                        help_text="The subject's metadata: the JSON object of the file, unchanged.",
                        validators=[datasets.validators.require_object],
                    ),
                ),
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
                "db_table": "sessions",
                "indexes": [
                    OriginIndex(fields=["created_in"], name="sessions_created_in"),
                    OriginIndex(fields=["changed_in"], name="sessions_changed_in"),
                    models.Index(
                        condition=models.Q(("corrections__isnull", False)), fields=["id"], name="sessions_corrected"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("schema_version", ""), _negated=True),
                        name="sessions_schema_version_not_empty",
                    )
                ],
            },
        ),
        AddFoldedIndex("subjects", "subject_id"),
        AddFoldedIndex("sessions", "name"),
        OrderTextsByCodePoint(),
        VacuumOften(),
    ]
