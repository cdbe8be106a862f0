"""A view: births by country."""

from django.db import migrations, models

from datasets.view_migrations import CreateView


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0001_initial"),
    ]

    operations = [
        CreateView(
            "births_by_country",
            sql="0002_births_by_country",
            state_operations=[
                migrations.CreateModel(
                    name="BirthsByCountry",
                    fields=[
                        ("country", models.CharField(max_length=200, primary_key=True, serialize=False)),
                        ("births", models.BigIntegerField(help_text="Number of people born in the country.")),
                    ],
                    options={
                        "verbose_name": "country of birth",
                        "verbose_name_plural": "births by country",
                        "db_table": "births_by_country",
                        "managed": False,
                    },
                )
            ],
        ),
    ]
