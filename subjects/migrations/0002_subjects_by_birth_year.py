"""A view: subjects by birth year."""

from django.db import migrations, models

from datasets.view_migrations import CreateView


class Migration(migrations.Migration):
    dependencies = [
        ("subjects", "0001_initial"),
    ]

    operations = [
        CreateView(
            "subjects_by_birth_year",
            sql="0002_subjects_by_birth_year",
            state_operations=[
                migrations.CreateModel(
                    name="SubjectsByBirthYear",
                    fields=[
                        (
                            "key",
                            models.CharField(
                                help_text="Year of birth and sex.", max_length=20, primary_key=True, serialize=False
                            ),
                        ),
                        ("year", models.IntegerField(help_text="Year of birth.")),
                        ("sex", models.CharField(choices=[("Female", "Female"), ("Male", "Male")], max_length=10)),
                        (
                            "subjects",
                            models.BigIntegerField(help_text="Number of subjects of this sex born in this year."),
                        ),
                    ],
                    options={
                        "verbose_name": "year of birth and sex",
                        "verbose_name_plural": "subjects by birth year",
                        "db_table": "subjects_by_birth_year",
                        "managed": False,
                    },
                )
            ],
        ),
    ]
