"""Records remember what their file says of a column that a curator has corrected."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_births_by_country"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="corrections",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="place",
            name="corrections",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
