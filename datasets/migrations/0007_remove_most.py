"""A run remembers that most of a table may go as missing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datasets", "0006_tokens")]

    operations = [
        migrations.AddField(
            "importrun",
            "remove_most",
            models.BooleanField(default=False, help_text="Even where these are most of a table."),
        ),
    ]
