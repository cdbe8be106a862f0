"""The constraint on run times is named after its table and column, as every other is."""

from django.db import migrations, models

from datasets.matviews import CreateView, DropView


class Migration(migrations.Migration):
    dependencies = [("experiments", "0006_text_order")]

    operations = [
        DropView("user_features", sql="0002_user_features"),  # which pins its tables
        migrations.RemoveConstraint("userexperiment", "user_experiments_run_time_not_negative"),
        migrations.AddConstraint(
            "userexperiment",
            models.CheckConstraint(
                condition=models.Q(experiment_run_time__gte=0), name="user_experiments_experiment_run_time_not_negative"
            ),
        ),
        CreateView("user_features", sql="0002_user_features"),
    ]
