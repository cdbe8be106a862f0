"""A view: user features."""

import django.db.models.deletion
from django.db import migrations, models

from datasets.view_migrations import CreateView


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0001_initial"),
    ]

    operations = [
        CreateView(
            "user_features",
            sql="0002_user_features",
            state_operations=[
                migrations.CreateModel(
                    name="UserFeatures",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                primary_key=True,
                                related_name="features",
                                serialize=False,
                                to="experiments.user",
                            ),
                        ),
                        (
                            "total_experiments",
                            models.BigIntegerField(help_text="Number of experiments that the user ran."),
                        ),
                        (
                            "mean_run_time",
                            models.FloatField(
                                help_text="Mean run time of the user's experiments, in a unit that the source does not state. Empty if there are none.",
                                null=True,
                            ),
                        ),
                        (
                            "most_common_compounds",
                            models.TextField(
                                help_text="Ids of the compounds used in the most experiments of the user. If several tie, all of them, in ascending order, separated by semicolons. Empty if there are none.",
                                null=True,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "user features",
                        "verbose_name_plural": "user features",
                        "db_table": "user_features",
                        "managed": False,
                    },
                )
            ],
        ),
    ]
