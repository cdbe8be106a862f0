"""Records remember what their file says of a column that a curator has corrected."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("census", "0002_income_by_education"),
    ]

    operations = [
        migrations.AddField(
            model_name="respondent",
            name="corrections",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
