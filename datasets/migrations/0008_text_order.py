"""Texts are ordered by code point on PostgreSQL too."""

from django.db import migrations

from datasets.text_order import OrderTextsByCodePoint


class Migration(migrations.Migration):
    dependencies = [("datasets", "0007_remove_most")]

    operations = [
        OrderTextsByCodePoint(),
    ]
