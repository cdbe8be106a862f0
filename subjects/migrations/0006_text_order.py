"""Texts are ordered by code point on PostgreSQL too."""

from django.db import migrations

from datasets.matviews import CreateView, DropView
from datasets.text_order import OrderTextsByCodePoint


class Migration(migrations.Migration):
    dependencies = [("subjects", "0005_day_of_birth")]

    operations = [
        DropView("subjects_by_birth_year", sql="0002_subjects_by_birth_year"),
        OrderTextsByCodePoint(),
        CreateView("subjects_by_birth_year", sql="0002_subjects_by_birth_year"),
    ]
