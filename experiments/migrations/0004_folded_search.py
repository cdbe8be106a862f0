"""Indexes by which records are found by the beginning of their names."""

from django.db import migrations

from datasets.folding import AddFoldedIndex


class Migration(migrations.Migration):
    dependencies = [("experiments", "0003_corrections"), ("datasets", "0004_fold_case")]

    operations = [
        AddFoldedIndex("users", "name"),
        AddFoldedIndex("users", "email"),
        AddFoldedIndex("compounds", "compound_name"),
    ]
