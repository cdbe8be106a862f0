"""A session's document is a JSON object, in forms too."""

from django.db import migrations, models

import datasets.validators


class Migration(migrations.Migration):
    dependencies = [
        ("subjects", "0006_text_order"),
    ]

    operations = [
        migrations.AlterField(
            model_name="session",
            name="document",
            field=models.JSONField(
                help_text="The subject's metadata as the folder holds them.",
                validators=[datasets.validators.require_object],
            ),
        ),
    ]
