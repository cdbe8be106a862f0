"""Indexes by which records are found by the beginning of their names."""

from django.db import migrations

from datasets.folding import AddFoldedIndex


class Migration(migrations.Migration):
    dependencies = [("people", "0003_corrections"), ("datasets", "0004_fold_case")]

    operations = [
        AddFoldedIndex("people", "given_name"),
        AddFoldedIndex("people", "family_name"),
        AddFoldedIndex("places", "city"),
    ]
