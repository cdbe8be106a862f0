"""A view: income by education."""

from django.db import migrations, models

from datasets.view_migrations import CreateView


class Migration(migrations.Migration):
    dependencies = [
        ("census", "0001_initial"),
    ]

    operations = [
        CreateView(
            "income_by_education",
            sql="0002_income_by_education",
            state_operations=[
                migrations.CreateModel(
                    name="IncomeByEducation",
                    fields=[
                        ("education", models.CharField(max_length=100, primary_key=True, serialize=False)),
                        (
                            "years",
                            models.SmallIntegerField(
                                help_text="Rank of the level, from 1 (Preschool) to 16 (Doctorate)."
                            ),
                        ),
                        ("respondents", models.BigIntegerField(help_text="Number of respondents of this level.")),
                        (
                            "over_50k",
                            models.BigIntegerField(
                                help_text="Number of respondents of this level with an income over 50,000 US dollars.",
                                verbose_name="over 50K",
                            ),
                        ),
                        (
                            "share_over_50k",
                            models.FloatField(
                                help_text="Share of respondents of this level with an income over 50,000 US dollars, from 0 to 1.",
                                verbose_name="share over 50K",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "education level by income",
                        "verbose_name_plural": "income by education",
                        "db_table": "income_by_education",
                        "managed": False,
                    },
                )
            ],
        ),
    ]
