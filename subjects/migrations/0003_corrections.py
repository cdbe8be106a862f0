"""Records remember what their file says of a column that a curator has corrected."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subjects", "0002_subjects_by_birth_year"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="corrections",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="subject",
            name="corrections",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
