"""Texts are ordered by code point on PostgreSQL too."""

from django.db import migrations

from datasets.matviews import CreateView, DropView
from datasets.text_order import OrderTextsByCodePoint


class Migration(migrations.Migration):
    dependencies = [("census", "0005_final_weight")]

    operations = [
        DropView("income_by_education", sql="0002_income_by_education"),
        OrderTextsByCodePoint(),
        CreateView("income_by_education", sql="0002_income_by_education"),
    ]
