"""A materialized view remembers the version of its dataset that it shows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datasets", "0008_text_order")]

    operations = [
        migrations.AddField(
            "version",
            "shows",
            models.BigIntegerField(
                null=True, help_text="Of a materialized view: the version of its dataset when it was last refreshed."
            ),
        ),
    ]
