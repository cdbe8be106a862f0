"""A day of birth has come, and is of the year 1000 or later."""

import datetime

import django.core.validators
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subjects", "0004_folded_search"),
    ]

    operations = [
        migrations.AlterField(
            model_name="subject",
            name="date_of_birth",
            field=models.DateField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(
                        datetime.date(1000, 1, 1), "Expected a day of the year 1000 or later."
                    ),
                    django.core.validators.MaxValueValidator(
                        django.utils.timezone.localdate, "Expected a day that has come: %(limit_value)s or before."
                    ),
                ],
            ),
        ),
    ]
