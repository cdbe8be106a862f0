"""Texts are ordered by code point on PostgreSQL too."""

from django.db import migrations

from datasets.matviews import CreateView, DropView
from datasets.text_order import OrderTextsByCodePoint


class Migration(migrations.Migration):
    dependencies = [("people", "0005_day_of_birth")]

    operations = [
        DropView("births_by_country", sql="0002_births_by_country"),
        OrderTextsByCodePoint(),
        CreateView("births_by_country", sql="0002_births_by_country"),
    ]
