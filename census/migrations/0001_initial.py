"""Tables of respondents and their vocabularies."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import datasets.models
from datasets.origin_index import OriginIndex
from datasets.sql.text_order import OrderTextsByCodePoint
from datasets.sql.vacuum import VacuumOften


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("imports", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Country",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
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
            ],
            options={
                "verbose_name_plural": "countries",
                "db_table": "countries",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="EducationLevel",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "years",
                    models.SmallIntegerField(
                        help_text="Rank of the level as counted in the files, from 1 (Preschool) to 16 (Doctorate).",
                        validators=[django.core.validators.MinValueValidator(0)],
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
            ],
            options={
                "db_table": "education_levels",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("years__gte", 0)), name="education_levels_years_not_negative"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MaritalStatus",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
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
            ],
            options={
                "verbose_name_plural": "marital statuses",
                "db_table": "marital_statuses",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Occupation",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
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
            ],
            options={
                "db_table": "occupations",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Race",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
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
            ],
            options={
                "db_table": "races",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Relationship",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
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
            ],
            options={
                "db_table": "relationships",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Workclass",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
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
            ],
            options={
                "verbose_name_plural": "workclasses",
                "db_table": "workclasses",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Respondent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "age",
                    models.SmallIntegerField(
                        help_text="Years. A whole number from 0 to 150.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(150),
                        ],
                    ),
                ),
                (
                    "workclass",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="respondents",
                        to="census.workclass",
                        help_text="Class of employment, such as Private. Empty if unknown.",
                    ),
                ),
                (
                    "fnlwgt",
                    models.IntegerField(
                        help_text="Survey weight, in hundredths of a person. A whole number, 0 or more.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="final weight",
                    ),
                ),
                (
                    "education",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="respondents",
                        to="census.educationlevel",
                        help_text="Highest level of education, such as Bachelors.",
                    ),
                ),
                (
                    "marital_status",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="respondents",
                        to="census.maritalstatus",
                        help_text="Marital status, such as Never-married.",
                    ),
                ),
                (
                    "occupation",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="respondents",
                        to="census.occupation",
                        help_text="Kind of work, such as Tech-support. Empty if unknown.",
                    ),
                ),
                (
                    "relationship",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="respondents",
                        to="census.relationship",
                        help_text="Role in the family, such as Husband or Own-child.",
                    ),
                ),
                (
                    "race",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="respondents",
                        to="census.race",
                        help_text="Race as the respondent reported it, such as White.",
                    ),
                ),
                (
                    "sex",
                    models.CharField(
                        choices=[("Female", "Female"), ("Male", "Male")], max_length=10, help_text="Female or Male."
                    ),
                ),
                (
                    "capital_gain",
                    models.IntegerField(
                        help_text="US dollars. A whole number, 0 or more; 0 if there was no gain.",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "capital_loss",
                    models.IntegerField(
                        help_text="US dollars. A whole number, 0 or more; 0 if there was no loss.",
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "hours_per_week",
                    models.SmallIntegerField(
                        help_text="Hours of work in a week. A whole number from 0 to 168.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(168),
                        ],
                    ),
                ),
                (
                    "native_country",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="respondents",
                        to="census.country",
                        help_text="Country of origin. Empty if unknown.",
                    ),
                ),
                (
                    "income_over_50k",
                    models.BooleanField(
                        help_text="Whether the income exceeds 50,000 US dollars a year.", verbose_name="income over 50K"
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
                "db_table": "respondents",
                "indexes": [
                    models.Index(fields=["age"], name="respondents_age"),
                    OriginIndex(fields=["created_in"], name="respondents_created_in"),
                    OriginIndex(fields=["changed_in"], name="respondents_changed_in"),
                    models.Index(
                        condition=models.Q(("corrections__isnull", False)), fields=["id"], name="respondents_corrected"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(models.F("identity"), name="respondents_identity_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("age__gte", 0), ("age__lte", 150)), name="respondents_age_0_to_150"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("fnlwgt__gte", 0)), name="respondents_fnlwgt_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sex__in", ["Female", "Male"])), name="respondents_sex_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("capital_gain__gte", 0)), name="respondents_capital_gain_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("capital_loss__gte", 0)), name="respondents_capital_loss_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hours_per_week__gte", 0), ("hours_per_week__lte", 168)),
                        name="respondents_hours_per_week_0_to_168",
                    ),
                ],
            },
        ),
        OrderTextsByCodePoint(),
        VacuumOften(),
    ]
