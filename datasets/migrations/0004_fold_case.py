"""The function that folds the case of letters, which searches call."""

from django.db import migrations

from datasets.folding import AddFoldCase


class Migration(migrations.Migration):
    dependencies = [("datasets", "0003_background")]

    operations = [AddFoldCase()]
