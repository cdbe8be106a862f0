"""Imports in the background: states, progress, and the files that came by browser."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0002_history"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="importrun",
            options={"ordering": ["-pk"], "permissions": [("undo_importrun", "Can undo import run")]},
        ),
        migrations.AddField(
            model_name="importrun",
            name="begun_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="importrun",
            name="bytes_read",
            field=models.PositiveBigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="bytes_total",
            field=models.PositiveBigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="cancel_requested",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="encoding",
            field=models.CharField(default="utf-8", max_length=50),
        ),
        migrations.AddField(
            model_name="importrun",
            name="heartbeat",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="importrun",
            name="known_as",
            field=models.CharField(blank=True, help_text="The file that the one given continues.", max_length=255),
        ),
        migrations.AddField(
            model_name="importrun",
            name="merging",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="rows_read",
            field=models.PositiveBigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="tables_seen",
            field=models.CharField(blank=True, help_text="Tells how the tables stood when it ran.", max_length=100),
        ),
        migrations.AddField(
            model_name="importrun",
            name="task_id",
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="importrun",
            name="uploads",
            field=models.JSONField(
                blank=True, default=list, help_text="Files that came by browser: name, sha256, size."
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="status",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("running", "Running"),
                    ("landed", "Landed"),
                    ("rehearsed", "Rehearsed"),
                    ("failed", "Failed"),
                    ("interrupted", "Interrupted"),
                    ("cancelled", "Cancelled"),
                    ("discarded", "Discarded"),
                    ("undone", "Undone"),
                ],
                default="running",
                max_length=20,
            ),
        ),
    ]
