"""Tables of subjects and sessions."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("datasets", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Subject",
            fields=[
                (
                    "subject_id",
                    models.CharField(max_length=100, primary_key=True, serialize=False, verbose_name="subject"),
                ),
                ("date_of_birth", models.DateField(blank=True, null=True)),
                ("species", models.CharField(blank=True, help_text="Such as Mus musculus.", max_length=200, null=True)),
                (
                    "sex",
                    models.CharField(
                        blank=True, choices=[("Female", "Female"), ("Male", "Male")], max_length=10, null=True
                    ),
                ),
                (
                    "background_strain",
                    models.CharField(blank=True, help_text="Such as C57BL/6J.", max_length=200, null=True),
                ),
                (
                    "genotype",
                    models.CharField(
                        blank=True, help_text="Alleles, with semicolons between.", max_length=2000, null=True
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
                        to="datasets.sourcefile",
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
                        to="datasets.sourcefile",
                    ),
                ),
                ("changed_line", models.PositiveIntegerField(editable=False, null=True)),
            ],
            options={
                "db_table": "subjects",
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        help_text="The folder, or the file where it has its own name.", max_length=255, unique=True
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="subjects.subject"
                    ),
                ),
                (
                    "schema_version",
                    models.CharField(blank=True, help_text="Of the subject's metadata.", max_length=50, null=True),
                ),
                ("document", models.JSONField(help_text="The subject's metadata as the folder holds them.")),
                (
                    "created_in",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="datasets.sourcefile",
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
                        to="datasets.sourcefile",
                    ),
                ),
                ("changed_line", models.PositiveIntegerField(editable=False, null=True)),
            ],
            options={
                "db_table": "sessions",
            },
        ),
        migrations.AddIndex(
            model_name="subject",
            index=models.Index(fields=["date_of_birth"], name="subjects_date_of_birth"),
        ),
        migrations.AddConstraint(
            model_name="subject",
            constraint=models.CheckConstraint(
                condition=models.Q(("sex__in", ["Female", "Male"])), name="subjects_sex_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="subject",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject_id", ""), _negated=True), name="subjects_subject_id_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="subject",
            constraint=models.CheckConstraint(
                condition=models.Q(("species", ""), _negated=True), name="subjects_species_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="subject",
            constraint=models.CheckConstraint(
                condition=models.Q(("background_strain", ""), _negated=True),
                name="subjects_background_strain_not_empty",
            ),
        ),
        migrations.AddConstraint(
            model_name="subject",
            constraint=models.CheckConstraint(
                condition=models.Q(("genotype", ""), _negated=True), name="subjects_genotype_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(("schema_version", ""), _negated=True), name="sessions_schema_version_not_empty"
            ),
        ),
    ]
