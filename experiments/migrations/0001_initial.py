"""Tables of users, compounds and experiments."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

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
            name="User",
            fields=[
                (
                    "user_id",
                    models.BigIntegerField(
                        primary_key=True, serialize=False, verbose_name="user", help_text="Unique number of the user."
                    ),
                ),
                ("name", models.CharField(max_length=200, help_text="Name of the user.")),
                (
                    "email",
                    models.EmailField(
                        help_text="E-mail address of the user.",
                        max_length=254,
                        verbose_name="e-mail",
                    ),
                ),
                ("signup_date", models.DateField(help_text="The day on which the user signed up.")),
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
                "db_table": "users",
                "permissions": [("view_email", "Can see e-mail addresses")],
                "indexes": [
                    models.Index(fields=["signup_date"], name="users_signup_date"),
                    OriginIndex(fields=["created_in"], name="users_created_in"),
                    OriginIndex(fields=["changed_in"], name="users_changed_in"),
                    models.Index(
                        condition=models.Q(("corrections__isnull", False)), fields=["user_id"], name="users_corrected"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Compound",
            fields=[
                (
                    "compound_id",
                    models.BigIntegerField(
                        primary_key=True,
                        serialize=False,
                        verbose_name="compound",
                        help_text="Unique number of the compound.",
                    ),
                ),
                ("compound_name", models.CharField(max_length=200, help_text="Name of the compound.")),
                (
                    "compound_structure",
                    models.CharField(help_text="Molecular formula, such as C20H25N3O.", max_length=500),
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
                "db_table": "compounds",
                "indexes": [
                    OriginIndex(fields=["created_in"], name="compounds_created_in"),
                    OriginIndex(fields=["changed_in"], name="compounds_changed_in"),
                    models.Index(
                        condition=models.Q(("corrections__isnull", False)),
                        fields=["compound_id"],
                        name="compounds_corrected",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UserExperiment",
            fields=[
                (
                    "experiment_id",
                    models.BigIntegerField(
                        primary_key=True,
                        serialize=False,
                        verbose_name="experiment",
                        help_text="Unique number of the experiment.",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="experiments",
                        to="experiments.user",
                        help_text="The user who ran the experiment.",
                    ),
                ),
                (
                    "experiment_run_time",
                    models.FloatField(
                        help_text="Run time as a number, 0 or more. Unit not stated in the source.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="run time",
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
                "verbose_name": "experiment",
                "db_table": "user_experiments",
                "indexes": [
                    OriginIndex(fields=["created_in"], name="user_experiments_created_in"),
                    OriginIndex(fields=["changed_in"], name="user_experiments_changed_in"),
                    models.Index(
                        condition=models.Q(("corrections__isnull", False)),
                        fields=["experiment_id"],
                        name="user_experiments_corrected",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("experiment_run_time__gte", 0)),
                        name="user_experiments_experiment_run_time_not_negative",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UserExperimentCompound",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "experiment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="uses",
                        to="experiments.userexperiment",
                    ),
                ),
                (
                    "compound",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="experiments.compound"
                    ),
                ),
            ],
            options={
                "verbose_name": "compound used",
                "verbose_name_plural": "compounds used",
                "db_table": "user_experiment_compounds",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("experiment", "compound"),
                        name="user_experiment_compounds_once",
                        violation_error_message="An experiment can list a compound only once.",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="userexperiment",
            name="compounds",
            field=models.ManyToManyField(
                help_text="The compounds used in the experiment.",
                related_name="experiments",
                through="experiments.UserExperimentCompound",
                to="experiments.compound",
            ),
        ),
        AddFoldedIndex("users", "name"),
        AddFoldedIndex("users", "email"),
        AddFoldedIndex("compounds", "compound_name"),
        OrderTextsByCodePoint(),
        VacuumOften(),
    ]
