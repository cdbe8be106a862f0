"""Records remember what their file says of a column that a curator has corrected."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0002_user_features"),
    ]

    operations = [
        migrations.AddField(
            model_name="compound",
            name="corrections",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="corrections",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="userexperiment",
            name="corrections",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
