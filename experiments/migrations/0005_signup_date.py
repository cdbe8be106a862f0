"""An index of the day on which users signed up, by which their list finds its first and last."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("experiments", "0004_folded_search")]

    operations = [
        migrations.AddIndex(model_name="user", index=models.Index(fields=["signup_date"], name="users_signup_date")),
    ]
