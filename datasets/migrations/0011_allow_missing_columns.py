"""A run remembers that its files may lack expected columns."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datasets", "0010_unseen_counts")]

    operations = [
        migrations.AddField(
            "importrun",
            "allow_missing_columns",
            models.BooleanField(default=False, help_text="Files may lack most of the expected columns."),
        ),
    ]
